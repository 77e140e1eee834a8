package builder

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

type zipEntry struct {
	name, text string
	mode       fs.FileMode
}

const isLink = 0o777 | fs.ModeSymlink

// unzipped unpacks entries into a folder whose parent is a temporary one, and returns the folder.
func unzipped(t *testing.T, entries ...zipEntry) (string, error) {
	t.Helper()
	var buffer bytes.Buffer
	writer := zip.NewWriter(&buffer)
	for _, entry := range entries {
		header := &zip.FileHeader{Name: entry.name}
		if entry.mode != 0 {
			header.SetMode(entry.mode)
		}
		content, err := writer.CreateHeader(header)
		if err == nil {
			_, err = content.Write([]byte(entry.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(t.TempDir(), "into")
	return into, unzip(bytes.NewReader(buffer.Bytes()), int64(buffer.Len()), into)
}

func TestUnzipKeepsModesAndLinks(t *testing.T) {
	into, err := unzipped(
		t,
		zipEntry{"link", "bin/supply", isLink}, // before what it points to
		zipEntry{"up/link", "../bin", isLink},
		zipEntry{"dangling", "not/there", isLink},
		zipEntry{"bin/", "", 0o755 | fs.ModeDir},
		zipEntry{"bin/supply", "script", 0o750},
		zipEntry{"./plain", "text", 0o644},
		zipEntry{"suid", "", 0o755 | fs.ModeSetuid},
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{
		"bin/supply": 0o750, "plain": 0o644, "suid": 0o755, "link": 0o750, "up/link/supply": 0o750,
	} {
		about, err := os.Stat(filepath.Join(into, name))
		if err != nil || about.Mode() != mode {
			t.Errorf("%s: %v, %v", name, about, err)
		}
	}
	if target, err := os.Readlink(filepath.Join(into, "dangling")); err != nil || target != "not/there" {
		t.Errorf("%q, %v", target, err)
	}
}

func TestUnzipWithoutModesGivesNoExecuteBit(t *testing.T) {
	into, err := unzipped(t, zipEntry{"bin/supply", "script", 0})
	if err != nil {
		t.Fatal(err)
	}
	if about, err := os.Stat(filepath.Join(into, "bin/supply")); err != nil || about.Mode()&0o111 != 0 {
		t.Errorf("%v, %v", about, err)
	}
}

func TestUnzipRefusesWhatLeadsOut(t *testing.T) {
	for name, entries := range map[string][]zipEntry{
		"parent":            {{"../evil", "x", 0o644}},
		"parent within":     {{"a/../../evil", "x", 0o644}},
		"absolute":          {{"/tmp/evil", "x", 0o644}},
		"absolute link":     {{"link", "/etc", isLink}},
		"link to parent":    {{"a/link", "../../evil", isLink}},
		"link, then in it":  {{"link", "..", isLink}, {"link/evil", "x", 0o644}},
		"link to the root":  {{"a/link", "..", isLink}, {"a/link/evil", "x", 0o644}},
		"link in a link":    {{"d", ".", isLink}, {"d/e/up", "../..", isLink}},
		"link through link": {{"p/q/l", "../..", isLink}, {"out", "p/q/l/..", isLink}},
		"link to itself":    {{"loop", "loop", isLink}},
		"device":            {{"device", "", 0o644 | fs.ModeDevice | fs.ModeCharDevice}},
		"same name twice":   {{"a", "1", 0o644}, {"a", "2", 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			into, err := unzipped(t, entries...)
			if err == nil {
				t.Error("it was unpacked")
			}
			if _, err := os.Lstat(filepath.Join(filepath.Dir(into), "evil")); err == nil {
				t.Error("something was written outside")
			}
		})
	}
}
