package plan

// What Landfall writes on a workflow, as default run properties, to know it
// again. Jobs, crawlers and triggers carry the first two as tags.
const (
	// OwnerMark is the catalog that a workflow belongs to; see Owner. Nothing without it is ever touched.
	OwnerMark = "landfall:owner"
	// TableMark is the table that a workflow lands, schema.table.
	TableMark = "landfall:table"
	// ParametersMark is the blueprint's parameters that a workflow was made from, as JSON.
	ParametersMark = "landfall:parameters"
)
