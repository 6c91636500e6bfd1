package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/dbsecret"
	"github.com/landfall/landfall/internal/discover"
	"github.com/landfall/landfall/internal/discover/engines"
	"github.com/landfall/landfall/internal/terminal"
)

// discoverCommand writes a catalog from a database.
type discoverCommand struct {
	Secret  string   `help:"Secrets Manager secret with the database's address and login; the catalog names it." placeholder:"NAME"`
	DSN     string   `name:"dsn" help:"Reach the database by this URL instead, as psql takes it; PGPASSWORD and ~/.pgpass count too. Name the secret for the catalog with --secret." placeholder:"URL"`
	Schema  []string `help:"Tables to take: schema.table with * and ?, or a schema. Default: all." placeholder:"PATTERN"`
	Exclude []string `help:"Tables to leave out." placeholder:"PATTERN"`
	Views   bool     `help:"Take views and materialized views too."`
	Update  string   `help:"Add what is new to this catalog, and report what no longer holds. Existing entries stay unchanged." placeholder:"FILE" type:"path"`
	Output  string   `short:"o" help:"Write the catalog to this file instead of standard output." placeholder:"FILE" type:"path"`
	Check   bool     `help:"Write nothing. Exit code 1: the catalog would change, or something no longer holds of it."`
	JSON    bool     `name:"json" help:"Print the report as JSON on standard output."`
}

// Run describes the database and writes the catalog.
func (c *discoverCommand) Run(a *app) error {
	began := time.Now()
	options, err := c.options()
	if err != nil {
		return err
	}
	old, err := c.existing()
	if err != nil {
		return err
	}
	options.Listed = old.tables
	found, err := c.describe(a.ctx, options)
	if err != nil {
		return err
	}
	secret := c.secretFor(old, found)
	report := discover.Report{Database: found.Name, Kept: len(old.tables), Findings: found.Findings, LeftOut: found.LeftOut, Notes: found.Notes}
	for _, t := range found.Tables {
		if p := discover.Propose(t); !old.lists(p.Table) {
			report.Tables = append(report.Tables, p)
		}
	}
	if c.Secret == "" && len(old.tables) == 0 {
		report.Notes = append(report.Notes, fmt.Sprintf("SecretName is %s: create this secret, or give --secret", secret))
	}
	data, err := c.catalog(old, secret, found.Name, report.Tables)
	if err != nil {
		return err
	}
	report.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return c.finish(a, old, data, report)
}

func (c *discoverCommand) options() (discover.Options, error) {
	o := discover.Options{Views: c.Views}
	if c.Secret == "" && c.DSN == "" {
		return o, errors.New("name the database: --secret, or --dsn")
	}
	var wrong []error
	for _, list := range []struct {
		texts []string
		into  *[]discover.Pattern
	}{{c.Schema, &o.Tables}, {c.Exclude, &o.Exclude}} {
		for _, text := range list.texts {
			p, err := discover.ParsePattern(text)
			wrong = append(wrong, err)
			*list.into = append(*list.into, p)
		}
	}
	return o, errors.Join(wrong...)
}

// describe connects, by the URL or else by the secret, and describes the database.
func (c *discoverCommand) describe(ctx context.Context, o discover.Options) (*discover.Database, error) {
	source, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }()
	return discover.Describe(ctx, source, o)
}

func (c *discoverCommand) connect(ctx context.Context) (discover.Source, error) {
	if c.DSN != "" {
		source, err := engines.ConnectURL(ctx, c.DSN)
		if err != nil {
			return nil, fmt.Errorf("--dsn: %w", err)
		}
		return source, nil
	}
	secret, err := readSecret(ctx, c.Secret)
	if err != nil {
		return nil, err
	}
	source, err := engines.Connect(ctx, secret)
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", c.Secret, err)
	}
	return source, nil
}

// readSecret reads the login of a database from Secrets Manager.
func readSecret(ctx context.Context, name string) (dbsecret.Secret, error) {
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return dbsecret.Secret{}, fmt.Errorf("read the secret %s: %w", name, err)
	}
	value, err := secretsmanager.NewFromConfig(aws).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return dbsecret.Secret{}, fmt.Errorf("the secret %s does not exist in this account and Region: create it, or correct --secret", name)
	}
	if err == nil && value.SecretString == nil {
		err = errors.New("it has no text")
	}
	if err != nil {
		return dbsecret.Secret{}, fmt.Errorf("read the secret %s: %w", name, err)
	}
	secret, err := dbsecret.Parse(*value.SecretString)
	if err != nil {
		return dbsecret.Secret{}, fmt.Errorf("read the secret %s: %w", name, err)
	}
	return secret, nil
}

// catalog is the new or the updated catalog.
func (c *discoverCommand) catalog(old existingCatalog, secret, database string, proposals []discover.Proposal) ([]byte, error) {
	if c.Update != "" {
		return discover.Update(old.data, old.name, secret, proposals)
	}
	if len(proposals) == 0 {
		return nil, nil
	}
	name := database
	if c.Output != "" {
		name = catalogName(c.Output)
	}
	data := discover.New(name, secret, proposals)
	if _, err := catalog.Parse(name, data, catalog.StackDefaults{}); err != nil {
		return nil, fmt.Errorf("the generated catalog is not valid: %w", err)
	}
	return data, nil
}

// finish prints the report and writes the catalog.
func (c *discoverCommand) finish(a *app, old existingCatalog, data []byte, report discover.Report) error {
	file := c.Output
	if file == "" {
		file = c.Update
	}
	differs := string(data) != string(old.data) || len(report.Findings) > 0
	if c.JSON {
		if file == "" && json.Valid(data) {
			report.Catalog = data
		}
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else {
		showDiscovery(terminal.New(a.stderr), report)
	}
	switch {
	case len(data) == 0:
		return errors.New("there is no table to land: nothing was written")
	case c.Check && differs:
		return errDiffers
	case c.Check:
		return nil
	case file == "" && !c.JSON:
		_, err := a.stdout.Write(data)
		return err
	case file == "" || file == c.Update && string(data) == string(old.data):
		return nil
	}
	return writeFile(file, data)
}

// writeFile replaces a file in one step, so that a full disk does not cost the old one.
func writeFile(file string, data []byte) error {
	mode := os.FileMode(0o644)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode()
	}
	next := file + ".new"
	err := os.WriteFile(next, data, mode)
	if err == nil {
		err = os.Rename(next, file)
	}
	if err != nil {
		_ = os.Remove(next)
		return fmt.Errorf("write the catalog: %w", err)
	}
	return nil
}
