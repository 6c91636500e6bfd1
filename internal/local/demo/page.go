package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// page prints the story: aligned, quiet, colour only where asked for.
type page struct {
	out    io.Writer
	colour bool
}

const (
	bold  = "1"
	green = "32"
	red   = "31"
	faint = "2"
)

func (p *page) paint(code, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

func (p *page) title(s string) { p.line("%s", p.paint(bold, s)) }

func (p *page) section(s string) { p.line("\n%s", p.paint(bold, s)) }

// begin names what is under way, where a terminal can take it back again.
func (p *page) begin(name string) {
	if p.colour {
		fmt.Fprintf(p.out, "  %s", p.paint(faint, name+" ..."))
	}
}

func (p *page) end(name string, seconds float64, err error) {
	if p.colour {
		fmt.Fprint(p.out, "\r\x1b[2K")
	}
	mark := p.paint(green, "done")
	switch {
	case errors.Is(err, context.Canceled):
		mark = p.paint(faint, "stopped")
	case err != nil:
		mark = p.paint(red, "failed")
	}
	p.line("  %-34s %7.1f s  %s", name, seconds, mark)
}

// verdict tells which tables differ.
func (p *page) verdict(differs []string) {
	if len(differs) == 0 {
		p.line("\n%s", p.paint(green, "Verdict: nothing differs; every row counted in the source is counted in the files."))
		return
	}
	p.line("\n%s", p.paint(red, "Verdict: what was landed differs from the source: "+strings.Join(slices.Compact(slices.Sorted(slices.Values(differs))), ", ")+". See the tables above."))
}

// table prints rows under a head: the columns in right flush right, the rows in wrong marked.
func (p *page) table(head []string, right map[int]bool, wrong map[int]bool, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for n, row := range append([][]string{head}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
			if right[i] {
				cells[i] = pad + cell
			} else {
				cells[i] = cell + pad
			}
		}
		line := strings.TrimRight("  "+strings.Join(cells, "  "), " ")
		switch {
		case n == 0:
			line = p.paint(faint, line)
		case wrong[n-1]:
			line = p.paint(red, line)
		}
		p.line("%s", line)
	}
}

// size writes bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}
