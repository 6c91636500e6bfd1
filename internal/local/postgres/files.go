package postgres

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// files is the layout of one server's folder.
type files struct {
	dir    string // removed with the server
	native string // folder with bin/ and lib/
}

func (f files) data() string { return filepath.Join(f.dir, "data") }

// handTo gives the folder to another user. That user may not be able to enter the working copy (a home folder is
// closed to others), so it gets its own copy of the binaries.
func (f *files) handTo(as identity) error {
	if as.credential == nil {
		return nil
	}
	copied := filepath.Join(f.dir, "native")
	if out, err := exec.Command("cp", "-R", f.native, copied).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the binaries: %w: %s", err, out)
	}
	f.native = copied
	return os.Chown(f.dir, int(as.credential.Uid), int(as.credential.Gid))
}

// passwordFile writes the password where initdb reads it; an argument would show in the process list.
func (f files) passwordFile(password string, as identity) (string, error) {
	path := filepath.Join(f.dir, "password")
	if err := os.WriteFile(path, []byte(password), 0o600); err != nil {
		return "", err
	}
	if as.credential != nil {
		return path, os.Chown(path, int(as.credential.Uid), int(as.credential.Gid))
	}
	return path, nil
}

// serverArguments are the command line of the server. Durability is off: the data never outlives the process.
func serverArguments(c Config, data string) []string {
	settings := map[string]string{
		"listen_addresses":          "127.0.0.1",
		"port":                      strconv.Itoa(c.Port),
		"unix_socket_directories":   "",
		"timezone":                  "UTC",
		"log_timezone":              "UTC",
		"max_connections":           "100",
		"max_prepared_transactions": "10",
		"fsync":                     "off",
		"synchronous_commit":        "off",
		"full_page_writes":          "off",
		"shared_buffers":            "64MB",
		"max_wal_size":              "256MB",
	}
	maps.Copy(settings, c.Settings)
	args := []string{"-D", data}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}
