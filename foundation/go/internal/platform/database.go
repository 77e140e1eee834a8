package platform

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
)

// schemes maps the schemes that count as a database to what DATABASE_URL shows.
var schemes = map[string]string{"mysql": "mysql2", "mysql2": "mysql2", "postgres": "postgres", "postgresql": "postgres"}

// DatabaseURL returns the first credential uri of a database in a VCAP_SERVICES, or "". The official choice
// among several follows the order of a Go map, so it changes from run to run; here labels are taken in order.
func DatabaseURL(vcapServices string) string {
	var byLabel map[string][]struct {
		Credentials struct {
			URI string `json:"uri"`
		} `json:"credentials"`
	}
	if json.Unmarshal([]byte(vcapServices), &byLabel) != nil {
		return ""
	}
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		for _, service := range byLabel[label] {
			address, err := url.Parse(service.Credentials.URI)
			if err != nil {
				continue
			}
			if scheme, ok := schemes[address.Scheme]; ok {
				address.Scheme = scheme
				return address.String()
			}
		}
	}
	return ""
}
