// Package terminal prints for people: aligned, quiet, with colour only on a
// terminal, and never with colour as the only signal.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// Printer prints to Out, with escape codes if Colour allows them.
type Printer struct {
	Out    io.Writer
	Colour bool
}

// New returns a printer that uses colour if out is a terminal. NO_COLOR turns
// it off, CLICOLOR_FORCE=1 on where out is none.
func New(out io.Writer) *Printer {
	force := os.Getenv("CLICOLOR_FORCE")
	colour := IsTerminal(out) || (force != "" && force != "0")
	return &Printer{Out: out, Colour: colour && os.Getenv("NO_COLOR") == ""}
}

// IsTerminal reports whether the writer is a terminal.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Style is a way to print text.
type Style string

// The styles. Plain is no style.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Faint  Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// Paint returns the text in the style, or as it is where there is no colour.
func (p *Printer) Paint(s Style, text string) string {
	if !p.Colour || s == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Line prints one line.
func (p *Printer) Line(format string, args ...any) { fmt.Fprintf(p.Out, format+"\n", args...) }

// Clean makes text from elsewhere safe to print: names of tables and errors of
// databases may hold escape codes and line breaks. Lines after the first are indented.
func Clean(text string, indent int) string {
	var b strings.Builder
	for _, r := range strings.TrimRight(text, "\n") {
		switch {
		case r == '\n':
			b.WriteString("\n" + strings.Repeat(" ", indent))
		case r == '\t':
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Cell is one field of a table.
type Cell struct {
	Text  string
	Style Style
	// Right puts the text at the right edge of its column, as numbers want it.
	Right bool
}

// Table prints rows in columns that line up, two spaces apart. The last column is not padded.
func (p *Printer) Table(indent int, rows [][]Cell) { p.TableWith(indent, rows, nil) }

// TableWith prints a table. below[i], where there is one, prints what belongs under row i.
func (p *Printer) TableWith(indent int, rows [][]Cell, below []func()) {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			// A very long name must not push everything else off the screen.
			width[i] = max(width[i], min(runewidth.StringWidth(cell.Text), 60))
		}
	}
	for n, row := range rows {
		line := strings.Repeat(" ", indent)
		for i, cell := range row {
			pad := strings.Repeat(" ", max(0, width[i]-runewidth.StringWidth(cell.Text)))
			text := p.Paint(cell.Style, cell.Text)
			switch {
			case cell.Right:
				text = pad + text
			case i < len(row)-1:
				text += pad
			}
			if i > 0 {
				line += "  "
			}
			line += text
		}
		p.Line("%s", strings.TrimRight(line, " "))
		if n < len(below) && below[n] != nil {
			below[n]()
		}
	}
}
