package catalog

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxProblems is how many problems of a catalog are listed; the others are counted.
const maxProblems = 200

// Problem is an error in a catalog, or a warning.
type Problem struct {
	// Path is the JSON path, such as WorkflowList[3].ScheduleCronPattern; empty for the file as a whole.
	Path string
	// Table is the entry's SourceTable where it is known.
	Table string
	// Line and Column begin at 1; Column counts characters. Both are 0 when there is no position.
	Line, Column int
	// Message says what is wrong, Hint what to do; Hint may be empty.
	Message, Hint string
}

// String is the problem on one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	b.WriteString(p.Path)
	if p.Table != "" {
		fmt.Fprintf(&b, " (%s)", p.Table)
	}
	if b.Len() > 0 && p.Path != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// InvalidError is a catalog that cannot be used.
type InvalidError struct {
	// Name is the catalog's name.
	Name string
	// Problems are in the order of the file; at most 200 are listed.
	Problems []Problem
	// More is the number of problems beyond those listed.
	More int
}

// Error lists the problems, one line each.
func (e *InvalidError) Error() string {
	var b strings.Builder
	n := len(e.Problems) + e.More
	fmt.Fprintf(&b, "catalog %q has %d problem", e.Name, n)
	if n != 1 {
		b.WriteByte('s')
	}
	b.WriteByte(':')
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.More)
	}
	return b.String()
}

// ErrorType is the name by which the state machine knows this error.
func (*InvalidError) ErrorType() string { return "CatalogInvalid" }

// problems collects problems by their byte offset in the file.
type problems struct {
	lines lines
	list  []located
	total int
}

type located struct {
	Problem
	at int
}

// add keeps a problem unless there are enough.
func (p *problems) add(at int, problem Problem) {
	p.total++
	if !p.full() {
		p.list = append(p.list, located{problem, at})
	}
}

// full reports whether further problems are only counted.
func (p *problems) full() bool { return len(p.list) == maxProblems }

// sorted gives the kept problems their positions and puts them in the order of the file.
func (p *problems) sorted() []Problem {
	slices.SortStableFunc(p.list, func(a, b located) int { return cmp.Compare(a.at, b.at) })
	var sorted []Problem
	for _, l := range p.list {
		if l.at >= 0 {
			l.Line, l.Column = p.lines.position(l.at)
		}
		sorted = append(sorted, l.Problem)
	}
	return sorted
}

// lines turns byte offsets into lines and columns.
type lines struct {
	data []byte
	// starts are the offsets at which lines begin.
	starts []int
	// at and column are the last answer. A whole catalog may be one line of
	// megabytes, so the next answer counts on from there when it can.
	at, column int
}

// line is the line of an offset, from 1.
func (l *lines) line(at int) int {
	if l.starts == nil {
		l.starts, l.column = []int{0}, 1
		for i := 0; ; {
			n := bytes.IndexByte(l.data[i:], '\n')
			if n < 0 {
				break
			}
			i += n + 1
			l.starts = append(l.starts, i)
		}
	}
	n, found := slices.BinarySearch(l.starts, at)
	if found {
		n++
	}
	return n
}

// position is the line and the column of an offset, both from 1.
func (l *lines) position(at int) (line, column int) {
	line = l.line(at)
	from, column := l.starts[line-1], 1
	if l.at >= from && l.at <= at {
		from, column = l.at, l.column
	}
	l.at, l.column = at, column+utf8.RuneCount(l.data[from:at])
	return line, l.column
}
