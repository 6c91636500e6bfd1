package main

import (
	"fmt"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/keys"
)

// deployCommand deploys a catalog.
type deployCommand struct {
	File    string `arg:"" optional:"" name:"file" help:"Catalog file to upload and deploy. Default: what is uploaded." type:"existingfile"`
	Catalog string `help:"The catalog's name. Default: the file's, or without a file all that are uploaded." placeholder:"NAME"`
	stackFlags
	outputFlags
}

// Run uploads the catalog, follows the execution that the upload starts, and
// fails when a table failed.
func (c *deployCommand) Run(a *app) error {
	var arn string
	f := follower{app: a, output: c.outputFlags}
	if c.File == "" {
		s, err := deployed.Open(a.ctx, c.Stack)
		if err != nil {
			return err
		}
		in := request{}
		if c.Catalog != "" {
			in.Catalog = keys.Catalog(c.Catalog)
		}
		if arn, err = s.Start(a.ctx, in); err != nil {
			return err
		}
		f.stack = s
	} else {
		name, body, err := readCatalog(c.File, c.Catalog)
		if err != nil {
			return err
		}
		if f.stack, err = deployed.Open(a.ctx, c.Stack); err != nil {
			return err
		}
		if arn, err = f.upload(name, body); err != nil {
			return err
		}
	}
	end, err := f.follow(arn)
	if err != nil {
		return err
	}
	if end.failed() {
		return errDiffers
	}
	return nil
}

// upload puts the catalog into the bucket and finds the execution which that starts.
func (f *follower) upload(name string, body []byte) (arn string, err error) {
	before, err := f.stack.Executions(f.app.ctx)
	if err != nil {
		return "", err
	}
	version, err := f.stack.Upload(f.app.ctx, name, body)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(f.app.stderr, "Uploaded s3://%s/%s.\n", f.stack.ArtifactsBucket, keys.Catalog(name))
	return f.stack.StartedBy(f.app.ctx, name, version, before)
}
