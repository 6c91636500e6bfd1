package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// modulePath marks the working copy.
const modulePath = "github.com/landfall/landfall"

// findRoot returns the working copy: the given folder, or the nearest one upwards from the current folder or the
// executable whose go.mod is this module's.
func findRoot(given string) (string, error) {
	if given != "" {
		if !isRoot(given) {
			return "", fmt.Errorf("--root %s: not a working copy of Landfall (no go.mod of %s)", given, modulePath)
		}
		return filepath.Abs(given)
	}
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for ; ; dir = filepath.Dir(dir) {
			if isRoot(dir) {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("find the working copy of Landfall: not in or above %s: use --root", strings.Join(starts, " or "))
}

func isRoot(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == "module" {
			return fields[1] == modulePath
		}
	}
	return false
}
