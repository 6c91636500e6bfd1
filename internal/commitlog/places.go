package commitlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"
)

// Places are the databases that have landed in a bucket.
func (s *Store) Places(ctx context.Context, bucket string) ([]Place, error) {
	databases, err := s.s3.Bucket(bucket).Folders(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the databases in s3://%s: %w", bucket, err)
	}
	places := make([]Place, len(databases))
	for i, database := range databases {
		places[i] = Place{Bucket: bucket, Database: database}
		if places[i].seen, err = s.registered(ctx, places[i]); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// registered reads from the Glue Data Catalog how far each table of the place
// is registered: a hundred tables a call. Without the right to, all records are listed instead.
func (s *Store) registered(ctx context.Context, p Place) (map[string]int, error) {
	seen := map[string]int{}
	pages := glue.NewGetTablesPaginator(s.glue, &glue.GetTablesInput{DatabaseName: new(strings.ToLower(p.Database))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			api, ok := errors.AsType[smithy.APIError](err)
			_, missing := errors.AsType[*gluetypes.EntityNotFoundException](err)
			if missing || (ok && api.ErrorCode() == "AccessDeniedException") {
				return seen, nil
			}
			return nil, fmt.Errorf("list the tables of database %q in the Glue Data Catalog: %w", p.Database, err)
		}
		for _, t := range page.TableList {
			table, ours := strings.CutPrefix(t.Parameters["landfall:table"], p.Database+"/")
			here := t.StorageDescriptor != nil && strings.HasPrefix(aws.ToString(t.StorageDescriptor.Location), "s3://"+p.Bucket+"/")
			seq, err := strconv.Atoi(t.Parameters["landfall:seq"])
			if ours && here && err == nil {
				seen[table] = seq
			}
		}
	}
	return seen, nil
}

// Find is where the table has landed in a bucket: in the given database, or in
// the only one that has it.
func (s *Store) Find(ctx context.Context, bucket, database, table string) (Place, State, error) {
	if database != "" {
		p := Place{Bucket: bucket, Database: database}
		state, err := s.State(ctx, p, table)
		return p, state, err
	}
	places, err := s.Places(ctx, bucket)
	if err != nil {
		return Place{}, State{}, err
	}
	var found []Place
	var last State
	for _, p := range places {
		state, err := s.State(ctx, p, table)
		if err != nil {
			return Place{}, State{}, err
		}
		if state.Records > 0 {
			found, last = append(found, p), state
		}
	}
	switch len(found) {
	case 1:
		return found[0], last, nil
	case 0:
		return Place{}, State{}, fmt.Errorf("%s has not landed in s3://%s yet; to say where its first load begins, name its database with --database", table, bucket)
	}
	names := make([]string, len(found))
	for i, p := range found {
		names[i] = p.Database
	}
	return Place{}, State{}, fmt.Errorf("%s has landed from several databases (%s): name one with --database", table, strings.Join(names, ", "))
}
