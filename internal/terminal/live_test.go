package terminal

import "testing"

// A line that reached the last column would wrap, and only its end could be taken back.
func TestClipLeavesTheLastColumnFree(t *testing.T) {
	for line, want := range map[string]string{"1234567": "1234567", "123456789": "123456789", "1234567890": "12345678…", "━━━━━━━━━━━━": "━━━━━━━━…", "従業員従業員": "従業員従…"} {
		if got := clip(line, 10); got != want {
			t.Errorf("clip(%q) = %q, want %q", line, got, want)
		}
	}
}
