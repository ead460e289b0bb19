# SPDX-License-Identifier: MPL-2.0
# Of what clang-tidy says, what is not in the list of alarms that were read and found false.
BEGIN {
	while ((getline line <known) > 0)
		if (line !~ /^#/ && line != "")
			seen[line] = 1
}
/: (error|warning): / {
	path = $0
	sub(/:[0-9]+:[0-9]+: .*/, "", path)
	sub(/^.*\.\.\//, "", path)
	sub(/^.*\/src\//, "src/", path)
	check = $0
	sub(/^.*\[/, "", check)
	sub(/[],].*$/, "", check)
	said = $0
	if ((getline code) <= 0)
		code = ""
	gsub(/^[ \t]+|[ \t]+$/, "", code)
	key = path " " check " " code
	if (!(key in seen) && !(key in told)) {
		print said
		print "    as a line of scripts/lint_known.txt: " key
		told[key] = 1
		new++
	}
}
END {
	exit new > 0
}
