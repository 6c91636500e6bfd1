package terminal

import (
	"fmt"
	"io"
	"time"
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
		fmt.Fprintf(l.out, "\r\x1b[2K%s", line)
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
