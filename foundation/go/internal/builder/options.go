// Package builder stages an app: it runs the buildpacks' scripts and writes droplet, result and cache.
//
// Its behaviour is that of cloudfoundry/buildpackapplifecycle's builder, quirks included.
package builder

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Options are the builder's flags.
type Options struct {
	Order          []string // keys of the buildpacks, the final one last
	SkipDetect     bool     // use the buildpacks as given, without bin/detect
	SkipCertVerify bool
	BuildDir       string
	OutputDroplet  string
	OutputMetadata string
	OutputCache    string
	BuildpacksDir  string
	DownloadsDir   string
	CacheDir       string
}

// Parse reads the flags; every flag that is empty is named in the error.
func Parse(arguments []string) (Options, error) {
	var options Options
	var order string
	flags := flag.NewFlagSet("builder", flag.ContinueOnError)
	flags.BoolVar(&options.SkipDetect, "skipDetect", false, "skip buildpack detect")
	flags.BoolVar(&options.SkipCertVerify, "skipCertVerify", false, "skip SSL certificate verification")
	flags.Int("credhubConnectAttempts", 3, "accepted as the official builder does; there is no CredHub here")
	flags.Duration("credhubRetryDelay", time.Second, "accepted as the official builder does")
	texts := []struct {
		into                 *string
		name, value, meaning string
	}{
		{&order, "buildpackOrder", "", "comma-separated `keys` of the buildpacks, to be tried in order"},
		{&options.BuildDir, "buildDir", "/tmp/app", "`directory` of the app"},
		{&options.OutputDroplet, "outputDroplet", "/tmp/droplet", "`file` for the droplet"},
		{&options.OutputMetadata, "outputMetadata", "/tmp/result.json", "`file` for the result"},
		{&options.OutputCache, "outputBuildArtifactsCache", "/tmp/output-cache", "`file` for the next cache"},
		{&options.BuildpacksDir, "buildpacksDir", "/tmp/buildpacks", "`directory` of the unzipped buildpacks"},
		{&options.DownloadsDir, "buildpacksDownloadDir", "/tmp/buildpackdownloads", "`directory` for URL buildpacks"},
		{&options.CacheDir, "buildArtifactsCacheDir", "/tmp/cache", "`directory` of the previous cache"},
	}
	for _, text := range texts {
		flags.StringVar(text.into, text.name, text.value, text.meaning)
	}
	if err := flags.Parse(arguments); err != nil {
		return options, err
	}
	var missing []error
	for _, text := range texts {
		if *text.into == "" {
			missing = append(missing, fmt.Errorf("missing flag: -%s", text.name))
		} else if text.into != &order {
			*text.into = filepath.Clean(*text.into)
		}
	}
	options.Order = strings.Split(order, ",")
	return options, errors.Join(missing...)
}
