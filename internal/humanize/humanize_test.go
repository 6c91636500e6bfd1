package humanize_test

import (
	"testing"
	"time"

	"github.com/landfall/landfall/internal/humanize"
)

func TestHumanize(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0 s", 1234 * time.Millisecond: "1.2 s", 59 * time.Second: "59 s", 185 * time.Second: "3 min 5 s",
		2*time.Hour + 10*time.Minute: "2 h 10 min", 3 * time.Hour: "3 h", 50 * time.Hour: "2 d 2 h",
	} {
		if got := humanize.Duration(d); got != want {
			t.Errorf("Duration(%s) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-5: "0 s", 59 * time.Second: "59 s", 5 * time.Minute: "5 min", 26 * time.Hour: "1 d"} {
		if got := humanize.Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := humanize.Number(n); got != want {
			t.Errorf("Number(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 20: "1.5 GiB", 5 << 50: "5120.0 TiB"} {
		if got := humanize.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 tables", 1: "1 table", 1204: "1,204 tables"} {
		if got := humanize.Count(n, "table"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}
