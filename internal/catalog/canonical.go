package catalog

import "encoding/json"

// Canonical is the catalog written out, with every value of every table in
// place. It parses to the same tables.
func (c *Catalog) Canonical() []byte {
	data, err := json.MarshalIndent(struct {
		Prune        bool
		WorkflowList []Table
	}{c.Prune, c.Tables}, "", "  ")
	if err != nil {
		panic("marshal a catalog: " + err.Error())
	}
	return append(data, '\n')
}
