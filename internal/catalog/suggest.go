package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// unknown reports a key that no entry has.
func (p *parser) unknown(e *entry, m member, path string) {
	path = joinPath(path, m.name)
	switch {
	case p.problems.full():
		// Counted only, so there is no need to compute a suggestion.
		p.problem(m.nameAt, "", "", "")
		return
	case topKeysByName[m.name] != nil:
		p.problem(m.nameAt, path, "is not a key of an entry", "it belongs to the top level of the catalog")
		return
	}
	best := entryNames.nearest(m.name)
	if best == "" {
		p.problem(m.nameAt, path, "is not a known key", "docs/catalog.md lists the keys")
		return
	}
	e.suggested |= KeyNamed(best).bit
	p.problem(m.nameAt, path, "is not a known key", didYouMean(m.name, best))
}

// unknownTop reports a key that the top level of a catalog does not have.
func (p *parser) unknownTop(m member) {
	path := joinPath("", m.name)
	if keysByName[m.name] != nil {
		p.problem(m.nameAt, path, "is not a key of the top level", "it belongs into an entry of WorkflowList or into Defaults")
		return
	}
	if p.problems.full() {
		p.problem(m.nameAt, "", "", "")
		return
	}
	p.problem(m.nameAt, path, "is not a known key", didYouMean(m.name, topNames.nearest(m.name)))
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

// names are what a misspelt name may have been meant to be, by their plain form.
type names map[string]string

var (
	entryNames = newNames(slices.Sorted(maps.Keys(keysByName)))
	topNames   = newNames([]string{"Defaults", "Prune", "WorkflowList"})
)

func newNames(list []string) names {
	n := names{}
	for _, name := range list {
		n[plain(name)] = name
	}
	return n
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// plain is a name without what people spell differently.
func plain(name string) string { return separators.Replace(strings.ToLower(name)) }

// nearest is the name that was probably meant, or "".
func (n names) nearest(got string) string {
	const longest = 64
	if len(got) > longest {
		return ""
	}
	got = plain(got)
	best, least := "", len(got)/3+1
	for _, candidate := range slices.Sorted(maps.Keys(n)) {
		if d := levenshtein.ComputeDistance(got, candidate); d < least {
			best, least = n[candidate], d
		}
	}
	return best
}
