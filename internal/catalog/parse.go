package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBytes is the size of the largest catalog file.
const MaxBytes = 32 << 20

// parser checks one catalog. It first makes sure that the file is JSON, so that
// nothing that reads values later has to.
type parser struct {
	name       string
	data       []byte
	stack      StackDefaults
	catalog    *Catalog
	problems   problems
	warnings   problems
	cron       map[string]fault
	workflows  map[string]first
	tables     map[string]first
	registered map[string]first
	// aliases counts how often each alias is used; one warning each is enough.
	aliases map[string]*aliasUse
	// reserved are reservedParameters; the declaration of BlueprintParameters cannot refer to them.
	reserved map[string]bool
}

// first is where something that must be unique was first seen.
type first struct {
	index, at int
}

func newParser(name string, data []byte, d StackDefaults) *parser {
	return &parser{
		name: name, data: data, stack: d, catalog: &Catalog{Name: name},
		cron: map[string]fault{}, workflows: map[string]first{}, tables: map[string]first{}, registered: map[string]first{},
		aliases: map[string]*aliasUse{}, reserved: reservedParameters,
	}
}

// problem records an error at an offset of the file.
func (p *parser) problem(at int, path, message, hint string) {
	p.problems.add(at, Problem{Path: path, Message: message, Hint: hint})
}

func (p *parser) warn(at int, path, table, message, hint string) {
	p.warnings.add(at, Problem{Path: path, Table: table, Message: message, Hint: hint})
}

func (p *parser) parse() {
	if len(p.data) > MaxBytes {
		p.problem(-1, "", fmt.Sprintf("the file has %d bytes; a catalog may have %d (32 MiB)", len(p.data), MaxBytes), "split it into several catalogs")
		return
	}
	p.data = bytes.TrimPrefix(p.data, []byte("\xef\xbb\xbf"))
	p.problems.lines.data, p.warnings.lines.data = p.data, p.data
	if at := invalidUTF8(p.data); at >= 0 {
		p.problem(at, "", "the file is not UTF-8", "save it as UTF-8")
		return
	}
	root, at, err := check(p.data)
	if err != nil {
		p.problem(at, "", "the file is not JSON: "+syntax(err), "")
		return
	}
	if root.kind() != '{' {
		p.problem(root.at, "", "the catalog is "+kindNames[root.kind()]+"; want an object", `begin with {"WorkflowList": [`)
		return
	}
	p.root(root)
	p.warnAliases()
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; ; {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// syntax is what jsontext found, without its own account of the place.
func syntax(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok && syntactic.Err != nil {
		return strings.TrimPrefix(syntactic.Err.Error(), "jsontext: ")
	}
	return strings.TrimPrefix(err.Error(), "jsontext: ")
}

// root reads the top level. Defaults are read first, wherever they are in the file.
func (p *parser) root(root value) {
	top := map[string]member{}
	for m := range members(root) {
		if _, ok := topKeysByName[m.name]; !ok {
			p.unknownTop(m)
			continue
		}
		if earlier, ok := top[m.name]; ok {
			p.duplicateKey(m, m.name, earlier.nameAt)
			continue
		}
		top[m.name] = m
	}
	p.settings(top)
	base := entry{table: p.stack.table(), start: root.at}
	if m, ok := top["Defaults"]; ok {
		if m.value.kind() == '{' {
			p.keys(&base, m.value, "Defaults")
			base.own = 0
		} else {
			p.wrongKind(m.value, "Defaults", "an object")
		}
	}
	list, ok := top["WorkflowList"]
	switch {
	case !ok:
		p.problem(root.at, "WorkflowList", "is missing", "it lists the tables, one entry each")
	case list.value.kind() != '[':
		p.wrongKind(list.value, "WorkflowList", "a list")
	default:
		p.entries(list.value, base)
	}
}

func (p *parser) entries(list value, base entry) {
	index := 0
	for v := range elements(list) {
		path := fmt.Sprintf("WorkflowList[%d]", index)
		if v.kind() != '{' {
			p.wrongKind(v, path, "an object")
		} else {
			p.entry(v, base, path, index)
		}
		index++
	}
	if index == 0 {
		p.problem(list.at, "WorkflowList", "is empty", "list at least one table; to stop landing tables, set Enabled to false or delete the catalog's workflows")
	}
}

func (p *parser) duplicateKey(m member, path string, earlierAt int) {
	p.problem(m.nameAt, path, fmt.Sprintf("is given twice, first on line %d", p.problems.lines.line(earlierAt)), "keep one")
}

func (p *parser) wrongKind(v value, path, want string) {
	p.problem(v.at, path, "is "+kindNames[v.kind()]+"; want "+want, "")
}
