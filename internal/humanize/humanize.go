// Package humanize writes numbers, sizes and durations for people. Everything that prints for people uses it: the command,
// the report, the demo and the benchmarks.
package humanize

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count returns a number with its noun: "1 table", "1,204 tables".
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Number(n) + " " + noun
}

// Number returns a number with its thousands set apart: 10,000.
func Number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Duration returns a duration in at most two units: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min, 5 d 3 h.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0.0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return pair(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	case d < 24*time.Hour:
		return pair(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	default:
		return pair(int(d/(24*time.Hour)), "d", int(d%(24*time.Hour)/time.Hour), "h")
	}
}

func pair(a int, unitA string, b int, unitB string) string {
	text := fmt.Sprintf("%d %s", a, unitA)
	if b > 0 {
		text += fmt.Sprintf(" %d %s", b, unitB)
	}
	return text
}

// Age returns a duration in its largest unit: 40 s, 5 min, 3 h, 2 d.
func Age(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	}
	units := strings.Fields(Duration(d))
	return units[0] + " " + units[1]
}

// Bytes returns a size: 512 B, 4.0 KiB, 1.2 GiB.
func Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, units[unit])
}
