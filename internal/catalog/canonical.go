package catalog

import "encoding/json"

// Canonical is the catalog written out, with every value of every table in
// place. It parses to the same tables.
func (c *Catalog) Canonical() []byte {
	data, err := json.MarshalIndent(struct {
		Prune             bool
		PruneLimitPercent int
		PruneRunning      string
		Adopt             bool
		Blueprint         string   `json:",omitempty"`
		BucketOwners      []string `json:",omitempty"`
		WorkflowList      []Table
	}{c.Prune, c.PruneLimitPercent, c.PruneRunning, c.Adopt, c.Blueprint, c.BucketOwners, c.Tables}, "", "  ")
	if err != nil {
		panic("marshal a catalog: " + err.Error())
	}
	return append(data, '\n')
}
