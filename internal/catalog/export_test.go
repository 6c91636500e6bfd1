package catalog

import (
	"maps"
	"slices"
)

// EntryKeys are the keys of an entry in the order of the documentation.
func EntryKeys() []string {
	var names []string
	for _, k := range entryKeys {
		names = append(names, k.name)
	}
	return names
}

// TopKeys are the keys of the catalog itself.
func TopKeys() []string { return slices.Sorted(maps.Keys(topKeys)) }

// Aliases are the other names of keys.
func Aliases() map[string]string { return maps.Clone(aliases) }
