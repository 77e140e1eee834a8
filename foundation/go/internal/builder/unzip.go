package builder

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	largest     = 4 << 30 // bytes that a zip may unpack to
	mostEntries = 200_000
	longestLink = 4096
)

// unzip unpacks with Unix modes and symbolic links. Names and links that lead out of the folder are refused;
// links are made last, so that no entry is written through one.
func unzip(file io.ReaderAt, size int64, into string) error {
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return err
	}
	if len(archive.File) > mostEntries {
		return fmt.Errorf("the zip holds %d entries, more than %d", len(archive.File), mostEntries)
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(largest)
	var links []*zip.File
	for _, entry := range archive.File {
		if err := unzipEntry(root, entry, &left, &links); err != nil {
			return fmt.Errorf("the zip's entry %q %w", entry.Name, err)
		}
	}
	return link(root, links)
}

// unzipEntry makes folders and files and puts links aside; left is what the zip may still unpack to.
func unzipEntry(root *os.Root, entry *zip.File, left *int64, links *[]*zip.File) error {
	name := entryName(entry)
	if !filepath.IsLocal(name) {
		return errors.New("leads out of the buildpack")
	}
	mode := entry.Mode()
	if mode.IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if mode&fs.ModeSymlink != 0 {
		*links = append(*links, entry)
		return nil
	}
	if !mode.IsRegular() {
		return errors.New("is neither file, folder nor link")
	}
	return writeFile(root, name, entry, left)
}

func entryName(entry *zip.File) string { return filepath.Clean(strings.TrimSuffix(entry.Name, "/")) }

func writeFile(root *os.Root, name string, entry *zip.File, left *int64) error {
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, entry.Mode().Perm())
	if err != nil {
		return err
	}
	written, err := io.Copy(file, io.LimitReader(content, *left+1))
	*left -= written
	if *left < 0 {
		err = fmt.Errorf("makes the buildpack larger than %d bytes", int64(largest))
	}
	return errors.Join(err, file.Close())
}

// link makes the links, then follows each: a chain of harmless ones may still lead out.
func link(root *os.Root, links []*zip.File) error {
	for _, entry := range links {
		target, err := readLink(entry)
		if err == nil {
			err = root.Symlink(target, entryName(entry))
		}
		if err != nil {
			return fmt.Errorf("the zip's link %q: %w", entry.Name, err)
		}
	}
	for _, entry := range links {
		if _, err := root.Stat(entryName(entry)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the zip's link %q leads out of the buildpack or nowhere: %w", entry.Name, err)
		}
	}
	return nil
}

func readLink(entry *zip.File) (string, error) {
	content, err := entry.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	raw, err := io.ReadAll(io.LimitReader(content, longestLink))
	if err != nil {
		return "", err
	}
	target := string(raw)
	if filepath.IsAbs(target) || !filepath.IsLocal(filepath.Join(filepath.Dir(entryName(entry)), target)) {
		return "", fmt.Errorf("leads out of the buildpack, to %q", target)
	}
	return target, nil
}
