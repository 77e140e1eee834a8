module packager

go 1.24

tool github.com/cloudfoundry/libbuildpack/packager/buildpack-packager

require (
	github.com/Masterminds/semver v1.5.0 // indirect
	github.com/blang/semver v3.5.1+incompatible // indirect
	github.com/cenkalti/backoff/v4 v4.2.0 // indirect
	github.com/cloudfoundry/libbuildpack v0.0.0-20260415084012-70e599bbe72c // indirect
	github.com/google/subcommands v1.2.0 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
)
