package catalog

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// unknown reports a key that no entry has.
func (p *parser) unknown(e *entry, m member, path string) {
	path = under(path, m.name)
	switch {
	case later[m.name]:
		p.problem(m.nameAt, path, "is not read by this version", "leave it out")
		return
	case topKeys[m.name]:
		p.problem(m.nameAt, path, "is not a key of an entry", "it belongs to the top level of the catalog")
		return
	}
	best := nearest(m.name, keyNames())
	if best == "" {
		p.problem(m.nameAt, path, "is not a known key", "docs/catalog.md lists the keys")
		return
	}
	e.suggested |= mustKey(best).bit
	p.problem(m.nameAt, path, "is not a known key", didYouMean(m.name, best))
}

// unknownTop reports a key that the top level of a catalog does not have.
func (p *parser) unknownTop(m member) {
	path := under("", m.name)
	if keysByName[m.name] != nil || later[m.name] {
		p.problem(m.nameAt, path, "is not a key of the top level", "it belongs into an entry of WorkflowList or into Defaults")
		return
	}
	names := []string{"Defaults", "Prune", "WorkflowList"}
	p.problem(m.nameAt, path, "is not a known key", didYouMean(m.name, nearest(m.name, names)))
}

func didYouMean(got, best string) string {
	switch {
	case best == "":
		return ""
	case strings.EqualFold(got, best):
		return fmt.Sprintf("did you mean %s? Upper and lower case count", best)
	}
	return fmt.Sprintf("did you mean %s?", best)
}

// nearest is the name that was probably meant, or "".
func nearest(got string, names []string) string {
	const longest = 64
	if len(got) > longest {
		return ""
	}
	plain := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
	}
	best, least := "", len(got)/3+1
	for _, name := range names {
		if d := levenshtein.ComputeDistance(plain(got), plain(name)); d < least {
			best, least = name, d
		}
	}
	return best
}
