package main

import "github.com/landfall/landfall/internal/local/demo"

// demoCommand runs the main job end to end on this machine.
type demoCommand struct {
	Port int `default:"4566" help:"Port of the local AWS endpoint."`
}

// Run runs the demo and fails when what was landed differs from the source.
func (c *demoCommand) Run(a *app) error {
	return demoEnd(demo.Run(a.ctx, demo.Config{Root: a.root, Addr: addressOf(c.Port), Out: a.stdout}))
}

// demoEnd fails for every table that differs; the demo has named them.
func demoEnd(differs []string, err error) error {
	if err == nil && len(differs) > 0 {
		return errDiffers
	}
	return err
}
