package terminal

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// quiet is how often a line is printed about unchanged work where there is no terminal.
const quiet = 15 * time.Second

// Live shows work that is under way: on a terminal one line that is rewritten,
// elsewhere a new line when the stage changes and every fifteen seconds.
type Live struct {
	out      io.Writer
	terminal bool
	stage    string
	printed  time.Time
	open     bool
}

// NewLive shows work on out.
func NewLive(out io.Writer) *Live { return &Live{out: out, terminal: IsTerminal(out)} }

// Show says how far the stage has come.
func (l *Live) Show(stage, detail string) {
	line := "  " + stage
	if detail != "" {
		line += "  " + detail
	}
	switch {
	case l.terminal:
		fmt.Fprintf(l.out, "\r\x1b[2K%s", clip(line, width(l.out)))
		l.open = true
	case stage != l.stage || time.Since(l.printed) >= quiet:
		fmt.Fprintln(l.out, line)
		l.printed = time.Now()
	}
	l.stage = stage
}

// End takes the line back from a terminal.
func (l *Live) End() {
	if l.open {
		fmt.Fprint(l.out, "\r\x1b[2K")
		l.open = false
	}
}

// width is how many columns the terminal has now; a line that is longer could not be taken back.
func width(out io.Writer) int {
	const usual = 80
	if file, ok := out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return usual
}

// clip cuts a line so that it leaves the last column free.
func clip(line string, columns int) string {
	runes := []rune(line)
	if len(runes) < columns {
		return line
	}
	return string(runes[:max(0, columns-2)]) + "…"
}
