package catalog

import "maps"

// Aliases are the other names of keys.
func Aliases() map[string]string { return maps.Clone(aliases) }
