package main

import (
	"context"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/keys"
)

// stackFlags name the deployed stack.
type stackFlags struct {
	Stack string `default:"Landfall" env:"LANDFALL_STACK" help:"Name of the deployed CloudFormation stack." placeholder:"NAME"`
}

// outputFlags say how the end of an execution is shown.
type outputFlags struct {
	JSON   bool   `name:"json" help:"Print the execution's reports as JSON."`
	Report string `help:"Also save the report's page and JSON of each catalog in this folder." type:"path" placeholder:"DIR"`
}

// planCommand shows what a deployment would do.
type planCommand struct {
	File    string `arg:"" optional:"" name:"file" help:"Catalog file to plan. Default: what is uploaded." type:"existingfile"`
	Catalog string `help:"The catalog's name. Default: the file's, or without a file all that are uploaded." placeholder:"NAME"`
	stackFlags
	outputFlags
}

// request is an execution's input.
type request struct {
	Catalog string `json:"catalog,omitempty"`
	DryRun  bool   `json:"dryRun,omitempty"`
	Draft   string `json:"draft,omitempty"`
}

// Run plans by a dry run of the deployed state machine: the same code that deploys.
func (c *planCommand) Run(a *app) error {
	var name string
	var body []byte
	if c.File != "" {
		var err error
		if name, body, err = readCatalog(c.File, c.Catalog); err != nil {
			return err
		}
	}
	s, err := deployed.Open(a.ctx, c.Stack)
	if err != nil {
		return err
	}
	in := request{DryRun: true}
	if c.Catalog != "" && c.File == "" {
		in.Catalog = keys.Catalog(c.Catalog)
	}
	if c.File != "" {
		in.Catalog = keys.Catalog(name)
		if in.Draft, err = s.PutDraft(a.ctx, name, body); err != nil {
			return err
		}
		// A draft that stays behind, because this was cut off, does nothing.
		defer func() { _ = s.DeleteDraft(context.WithoutCancel(a.ctx), in.Draft) }()
	}
	arn, err := s.Start(a.ctx, in)
	if err != nil {
		return err
	}
	f := follower{app: a, stack: s, output: c.outputFlags}
	end, err := f.follow(arn)
	if err != nil {
		return err
	}
	if end.changes() {
		return errDiffers
	}
	return nil
}
