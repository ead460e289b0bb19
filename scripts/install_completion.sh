#!/bin/sh
# Called by meson install: completion and man page come from the program's own tables.
set -eu
serai=$1
root=${MESON_INSTALL_DESTDIR_PREFIX:?}
mkdir -p "$root/share/bash-completion/completions" "$root/share/fish/vendor_completions.d" \
	"$root/share/zsh/vendor-completions"
"$serai" completion bash >"$root/share/bash-completion/completions/serai"
"$serai" completion fish >"$root/share/fish/vendor_completions.d/serai.fish"
"$serai" completion zsh >"$root/share/zsh/vendor-completions/_serai"
