package builder

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const downloadLimit = 10 * time.Minute

// pauses lie between the tries of a download.
var pauses = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// fetchZip downloads and unpacks a zipped buildpack.
func (s *stage) fetchZip(source *url.URL, into string) error {
	file, err := os.CreateTemp("", "buildpack")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: s.SkipCertVerify} // the platform's own switch
	client := &http.Client{Transport: transport, Timeout: downloadLimit}
	size, err := download(client, source, file)
	for _, pause := range pauses {
		if err == nil {
			break
		}
		time.Sleep(pause)
		size, err = download(client, source, file)
	}
	if err != nil {
		return fmt.Errorf("failed to download buildpack '%s': %w", source.Redacted(), err)
	}
	if err := unzip(file, size, into); err != nil {
		return fmt.Errorf("failed to extract buildpack '%s': %w", source.Redacted(), err)
	}
	fmt.Printf("Downloaded buildpack `%s` (%s)\n", source.Redacted(), byteSize(size))
	return nil
}

func download(client *http.Client, source *url.URL, file *os.File) (int64, error) {
	answer, err := client.Get(source.String())
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the server answered %s", answer.Status)
	}
	if err := file.Truncate(0); err != nil {
		return 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(file, answer.Body)
}

// byteSize shows a size as the official builder does: one decimal, only where it says something.
func byteSize(size int64) string {
	value, unit := float64(size), "B"
	for _, larger := range []string{"K", "M", "G"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, larger
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0") + unit
}
