package main

import "errors"

// localCommand serves the local AWS endpoint.
type localCommand struct{}

// Run serves until Ctrl-C.
func (c *localCommand) Run(*app) error { return errors.New("not built yet") }
