package report

import (
	"fmt"
	"strings"
)

// Counts is how many tables had which outcome. In a dry run created, updated and deleted are what would happen.
type Counts struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	// Cleaned is how many tables only had leftovers of an interrupted attempt removed.
	Cleaned   int `json:"cleaned"`
	Unchanged int `json:"unchanged"`
	Conflicts int `json:"conflicts"`
	Orphans   int `json:"orphans"`
	Failed    int `json:"failed"`
}

// Add adds another catalog's counts.
func (c *Counts) Add(other Counts) {
	c.Created += other.Created
	c.Updated += other.Updated
	c.Deleted += other.Deleted
	c.Cleaned += other.Cleaned
	c.Unchanged += other.Unchanged
	c.Conflicts += other.Conflicts
	c.Orphans += other.Orphans
	c.Failed += other.Failed
}

// Words lists the counts that are not zero: "2 created, 1 failed", or for a plan "2 to create".
func (c Counts) Words(dryRun bool) string {
	var parts []string
	for _, p := range []struct {
		n               int
		happened, would string
	}{
		{c.Created, "created", "to create"},
		{c.Updated, "updated", "to update"},
		{c.Deleted, "deleted", "to delete"},
		{c.Cleaned, "cleaned", "to clean"},
		{c.Failed, "failed", "failed"},
		{c.Conflicts, "in conflict", "in conflict"},
		{c.Orphans, "orphaned", "orphaned"},
		{c.Unchanged, "unchanged", "unchanged"},
	} {
		words := p.happened
		if dryRun {
			words = p.would
		}
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, words))
		}
	}
	return strings.Join(parts, ", ")
}
