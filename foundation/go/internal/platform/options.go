// Package platform reads what the platform tells its programs by environment: its own options and the app's
// bound services. Builder and launcher share it.
package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrCredHub says that a service's credentials lie in CredHub, which a local foundation does not have.
var ErrCredHub = errors.New("unable to interpolate credhub refs: this foundation has no CredHub; " +
	"set CREDHUB_SKIP_INTERPOLATION to go on without")

// CheckOptions checks VCAP_PLATFORM_OPTIONS: it is empty or a JSON object. ErrCredHub is returned where the
// official programs would ask a CredHub for credentials.
func CheckOptions(getenv func(string) string) error {
	raw := getenv("VCAP_PLATFORM_OPTIONS")
	if raw == "" {
		return nil
	}
	var options struct {
		CredHub string `json:"credhub-uri"`
	}
	if err := json.Unmarshal([]byte(raw), &options); err != nil {
		return fmt.Errorf("invalid platform options: %w", err)
	}
	referred := strings.Contains(getenv("VCAP_SERVICES"), `"credhub-ref"`)
	if options.CredHub != "" && referred && getenv("CREDHUB_SKIP_INTERPOLATION") == "" {
		return ErrCredHub
	}
	return nil
}
