package keys_test

import (
	"testing"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
)

func TestCatalogName(t *testing.T) {
	cases := map[string]struct {
		reason, key, name string
		ok                bool
	}{
		"catalog":   {"the key that Catalog makes", keys.Catalog("hr"), "hr", true},
		"dots":      {"a name may have dots", "catalogs/hr.v2.json", "hr.v2", true},
		"draft":     {"it is not deployed", keys.Draft("1", "hr"), "drafts/1/hr", false},
		"deeper":    {"the upload rule's wildcard matches it, but it is no catalog", "catalogs/a/b.json", "a/b", false},
		"not json":  {"", "catalogs/README.md", "README.md", false},
		"elsewhere": {"", "reports/hr.json", "reports/hr", false},
		"no name":   {"", "catalogs/.json", "", false},
	}
	for name, c := range cases {
		if got, ok := keys.CatalogName(c.key); ok != c.ok || (ok && got != c.name) {
			t.Errorf("%s: CatalogName(%q) = %q, %t; want %q, %t: %s", name, c.key, got, ok, c.name, c.ok, c.reason)
		}
	}
}

// catalog imports nothing of Landfall, and so spells the key that a catalog may name.
func TestTheShippedBlueprintIsTheOneThatCatalogsMayName(t *testing.T) {
	if keys.Blueprint != catalog.ShippedBlueprint {
		t.Errorf("%q and %q", keys.Blueprint, catalog.ShippedBlueprint)
	}
}
