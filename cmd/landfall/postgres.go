package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/landfall/landfall/internal/local/postgres"
)

// postgresCommand serves an empty PostgreSQL.
type postgresCommand struct {
	Port          int               `default:"0" help:"Port on 127.0.0.1; 0 picks a free one."`
	Database      string            `default:"postgres" help:"Database to create."`
	Password      string            `help:"Password of user postgres. Default: a random one." env:"PGPASSWORD"`
	Dir           string            `help:"Folder for the server's files. Default: the system's temporary folder." type:"path"`
	Set           map[string]string `help:"Server setting, for example --set=work_mem=8MB." placeholder:"NAME=VALUE"`
	StopWithStdin bool              `help:"Stop when standard input closes."`
}

// address is what the command prints when the server accepts connections.
type address struct {
	DSN      string `json:"dsn"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
	Database string `json:"database"`
}

// Run starts the server, prints its address and serves until it is stopped.
func (c *postgresCommand) Run(a *app) error {
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	if c.StopWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, a.stdin)
			stop()
		}()
	}
	server, err := postgres.Start(ctx, postgres.Config{
		Root: a.root, Dir: c.Dir, Port: c.Port, Database: c.Database, Password: c.Password, Settings: c.Set,
	})
	if err != nil {
		return err
	}
	defer server.Stop()
	started := server.Config()
	if err := json.NewEncoder(a.stdout).Encode(address{
		DSN: server.DSN(), Host: "127.0.0.1", Port: started.Port, User: postgres.User,
		Password: started.Password, Database: started.Database,
	}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return server.Stop()
	case <-server.Exited():
		return errors.Join(errors.New("PostgreSQL ended by itself"), server.Stop())
	}
}
