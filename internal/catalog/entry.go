package catalog

import "fmt"

// entry is a table whose keys are being read.
type entry struct {
	table Table
	// given are the bits of all keys that the entry or Defaults names, own those of the entry alone.
	given, own uint64
	// bad are the keys whose value is invalid, in the entry or in Defaults.
	bad uint64
	// suggested are keys that an unknown key was probably meant to be.
	suggested uint64
	// start is where the entry begins in the file.
	start int
	// at are the members whose bits are in own, by Key.index.
	at [maxKeys]member
}

// keys reads the keys of an entry or of Defaults into e.
func (p *parser) keys(e *entry, v value, path string) {
	for m := range members(v) {
		k, ok := keysByName[m.name]
		if !ok {
			p.unknown(e, m, path)
			continue
		}
		at := path + "." + m.name
		if e.own&k.bit != 0 {
			earlier := e.at[k.index]
			if earlier.name == m.name {
				p.duplicateKey(m, at, earlier.nameAt)
			} else {
				p.problem(m.nameAt, at, fmt.Sprintf("is the same key as %s, which is given too", earlier.name), "keep "+k.Name)
			}
			continue
		}
		e.at[k.index] = m
		if m.name != k.Name {
			p.alias(m, at)
		}
		before := p.problems.total
		k.readInto(p, &e.table, m.value, at)
		e.given, e.own, e.bad = e.given|k.bit, e.own|k.bit, e.bad&^k.bit
		if p.problems.total > before {
			e.bad |= k.bit
		}
	}
}

// entry reads one entry on top of Defaults and adds its table.
func (p *parser) entry(v value, base entry, path string, index int) {
	e := base
	e.own, e.start = 0, v.at
	kept := len(p.problems.list)
	p.keys(&e, v, path)
	p.resolve(&e, path, index)
	if e.table.SourceTable != "" {
		for i := kept; i < len(p.problems.list); i++ {
			p.problems.list[i].Table = e.table.SourceTable
		}
	}
	if p.problems.total == 0 {
		p.catalog.Tables = append(p.catalog.Tables, e.table)
	}
}
