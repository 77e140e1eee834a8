package launcher

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"foundation/internal/platform"
)

// prepare sets what every process of an app finds in its environment.
func prepare(home string) error {
	os.Setenv("HOME", home)
	os.Setenv("TMPDIR", filepath.Join(home, "..", "tmp"))
	os.Setenv("DEPS_DIR", filepath.Join(home, "..", "deps"))
	if application, ok := describe(os.Getenv("VCAP_APPLICATION")); ok {
		os.Setenv("VCAP_APPLICATION", application)
	}
	if err := platform.CheckOptions(os.Getenv); err != nil {
		return err
	}
	os.Unsetenv("VCAP_PLATFORM_OPTIONS")
	if url := platform.DatabaseURL(os.Getenv("VCAP_SERVICES")); url != "" {
		os.Setenv("DATABASE_URL", url)
	}
	return nil
}

// describe adds this instance's facts to VCAP_APPLICATION, where that is a JSON object.
func describe(application string) (string, bool) {
	var facts map[string]any
	if json.Unmarshal([]byte(application), &facts) != nil || facts == nil {
		return "", false
	}
	facts["host"] = "0.0.0.0"
	facts["instance_id"] = os.Getenv("INSTANCE_GUID")
	for key, variable := range map[string]string{"port": "PORT", "instance_index": "INSTANCE_INDEX"} {
		if number, err := strconv.Atoi(os.Getenv(variable)); err == nil {
			facts[key] = number
		}
	}
	raw, err := json.Marshal(facts)
	return string(raw), err == nil
}
