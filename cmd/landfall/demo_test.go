package main

import (
	"errors"
	"testing"
)

func TestTheDemoFailsWhenATableDiffers(t *testing.T) {
	broken := errors.New("no PostgreSQL")
	cases := map[string]struct {
		differs []string
		err     error
		want    error
	}{
		"all the same":       {nil, nil, nil},
		"one differs":        {[]string{"hr.jobs"}, nil, errDiffers},
		"it came to no end":  {nil, broken, broken},
		"cut off in between": {[]string{"hr.jobs"}, broken, broken},
	}
	for name, c := range cases {
		if got := demoEnd(c.differs, c.err); !errors.Is(got, c.want) || got != nil && c.want == nil {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
