module foundation

go 1.27

require (
	github.com/cespare/xxhash/v2 v2.3.0
	go.yaml.in/yaml/v2 v2.4.5
)
