// Package keys says where objects are in the artifacts bucket. The code that reads and writes them, the command and the
// roles of infra take the keys from here, so that a key and the permission for it cannot differ.
package keys

import (
	"net/url"
	"strings"
)

// Prefixes of the artifacts bucket. Each ends in a slash.
const (
	// Catalogs holds catalogs/<name>.json: an upload starts an execution.
	Catalogs = "catalogs/"
	// Drafts holds catalogs that are planned without being deployed. Their keys do not end in .json, so that an upload
	// starts nothing.
	Drafts = Catalogs + "drafts/"
	// Executions holds a folder per execution with what its steps hand over to one another.
	Executions = "executions/"
	// MapRuns holds what Step Functions writes about the Distributed Map.
	MapRuns = Executions + "map-runs/"
	// Reports holds reports/<catalog>/<execution>/.
	Reports = "reports/"
	// Locks holds locks/<catalog>.json while an execution works on the catalog.
	Locks = "locks/"
	// Blueprints, Jobs and Wheels hold what RegisterBlueprint publishes, and users' own blueprints and scripts.
	Blueprints = "blueprints/"
	Jobs       = "jobs/"
	Wheels     = "wheels/"
)

// What RegisterBlueprint publishes under fixed keys.
const (
	Blueprint  = Blueprints + "landfall.zip"
	Script     = Jobs + "land_table.py"
	JobPackage = Jobs + "landing.zip"
)

const json = ".json"

// Catalog is the key of the catalog of that name.
func Catalog(name string) string { return Catalogs + name + json }

// CatalogName is the name of the catalog whose key it is. It is false for any other key, such as a draft's.
func CatalogName(key string) (string, bool) {
	rest, under := strings.CutPrefix(key, Catalogs)
	name, ok := strings.CutSuffix(rest, json)
	return name, under && ok && name != "" && !strings.Contains(name, "/")
}

// Draft is the key of a draft of a catalog.
func Draft(id, name string) string { return Drafts + id + "/" + name }

// Lock is the key of a catalog's lock.
func Lock(catalog string) string { return Locks + catalog + json }

// Desired, Plan and Changes are the keys under which an execution keeps its tables, its plan, and the changes for the Map.
func Desired(execution string) string { return Executions + execution + "/desired.json" }

// Plan is documented at Desired.
func Plan(execution string) string { return Executions + execution + "/plan.json" }

// Changes is documented at Desired.
func Changes(execution string) string { return Executions + execution + "/changes.json" }

// Outcomes is the prefix under which an execution keeps one object per change that has ended.
func Outcomes(execution string) string { return Executions + execution + "/outcomes/" }

// Report is the key of a file of the report on a catalog: report.json or report.html.
func Report(catalog, execution, file string) string {
	return Reports + catalog + "/" + execution + "/" + file
}

// Outcome is the key under which an execution records how the workflow's change ended.
func Outcome(execution, workflow string) string {
	return Outcomes(execution) + url.PathEscape(workflow) + json
}
