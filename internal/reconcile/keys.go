package reconcile

import (
	"net/url"
	"path"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// Prefixes of the artifacts bucket.
const (
	catalogsPrefix = "catalogs/"
	locksPrefix    = "locks/"
	// DraftsPrefix begins the keys of drafts: catalogs that are planned without
	// being deployed. Their keys do not end in .json, so that an upload starts nothing.
	DraftsPrefix = "catalogs/drafts/"
)

// BlueprintKey is where RegisterBlueprint publishes the blueprint's ZIP, and
// registers it from. The ZIP has blueprint.cfg at its root, so its name means
// nothing to Glue.
const BlueprintKey = catalog.ShippedBlueprint

// CatalogKey is the key of the named catalog.
func CatalogKey(name string) string { return catalogsPrefix + name + ".json" }

// CatalogName is the name of the catalog, or of the catalog's lock, with the key.
func CatalogName(key string) string { return strings.TrimSuffix(path.Base(key), ".json") }

func lockKey(catalog string) string { return locksPrefix + catalog + ".json" }

// DesiredKey is the key of the catalogs that the execution loaded, a DesiredFile.
func DesiredKey(execution string) string { return "executions/" + execution + "/desired.json" }

// PlanKey is the key of the execution's plan.Plan.
func PlanKey(execution string) string { return "executions/" + execution + "/plan.json" }

// ChangesKey is the key of the changes that the execution applies, a JSON array of items for the Map.
func ChangesKey(execution string) string { return "executions/" + execution + "/changes.json" }

// OutcomesPrefix begins the keys of the Outcomes that ApplyChange records.
func OutcomesPrefix(execution string) string { return "executions/" + execution + "/outcomes/" }

// OutcomeKey is the key of the Outcome of the workflow's change.
func OutcomeKey(execution, workflow string) string {
	return OutcomesPrefix(execution) + url.PathEscape(workflow) + ".json"
}
