package builder

import (
	"os"
	"path/filepath"
)

func (s *stage) finalCache() string { return filepath.Join(s.CacheDir, "final") }

func (s *stage) supplyCache(key string) string { return filepath.Join(s.CacheDir, hash(key)) }

// pruneCache removes what no buildpack of this staging owns: a changed key starts with an empty cache.
func (s *stage) pruneCache() error {
	keep := map[string]bool{s.finalCache(): true}
	for _, key := range s.supplies() {
		keep[s.supplyCache(key)] = true
	}
	entries, err := os.ReadDir(s.CacheDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if path := filepath.Join(s.CacheDir, entry.Name()); !keep[path] {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}
