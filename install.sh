#!/usr/bin/env bash
# Builds and installs zfrepl. `./install.sh --help` says how.
set -euo pipefail

usage() {
  cat <<'TEXT'
Builds ZfRepl and installs it: PREFIX/bin/zfrepl, PREFIX/lib/zfrepl (the program), PREFIX/share/zfrepl (svc-tpl-zfrepl.yml, templates).

  ./install.sh [--prefix DIR] [--demo]      install, or replace an older version
  ./install.sh --uninstall [--prefix DIR]   remove what was installed; data and changed files stay

Options:
  --prefix DIR   where to install; default /usr/local for root, ~/.local for others
  --demo         run `zfrepl demo` after installing
  --from DIR     install a program that was published before instead of building one; needs no SDK
  --uninstall    remove what the last installations put there
  --help         this text

Needs the .NET 10 SDK. Running services keep the version that they were started with; restart them when it suits you.
TEXT
}

say() { printf 'install.sh: %s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

source_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=
published=
action=install
run_demo=false
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -ge 2 ] && [ -n "$2" ] || die "--prefix needs a folder"; prefix=$2; shift 2 ;;
    --prefix=?*) prefix=${1#*=}; shift ;;
    --from) [ $# -ge 2 ] && [ -n "$2" ] || die "--from needs a folder"; published=$2; shift 2 ;;
    --from=?*) published=${1#*=}; shift ;;
    --demo) run_demo=true; shift ;;
    --uninstall) action=uninstall; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; die "'$1' is not understood" ;;
  esac
done

if [ -z "$prefix" ]; then
  if [ "$(id -u)" = 0 ]; then
    prefix=/usr/local
  else
    prefix=${HOME:?HOME is not set: give --prefix DIR}/.local
  fi
fi

# Of the manifest: "file SHA256 PATH", "link PATH" and "folder PATH", paths below the prefix, folders after what is in them.
library=lib/zfrepl
manifest=$library/manifest

hash_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

# Removes what a manifest names, as far as it is as it was installed.
remove_installed() { # MANIFEST
  local kind hash path kept=0
  while read -r kind hash path; do
    case $kind in
      file)
        if [ -f "$prefix/$path" ] && [ ! -L "$prefix/$path" ] && [ "$(hash_of "$prefix/$path")" != "$hash" ]; then
          say "kept, because it was changed: $prefix/$path"
          kept=1
        else
          rm -f "$prefix/$path"
        fi ;;
      link) rm -f "$prefix/$path" ;;
      folder) rmdir "$prefix/$path" 2>/dev/null || true ;;
    esac
  done <"$1"
  return $kept
}

if [ "$action" = uninstall ]; then
  [ -f "$prefix/$manifest" ] || die "nothing of zfrepl is installed in $prefix (no $manifest); --prefix names another folder"
  list=$(mktemp)
  trap 'rm -f "$list"' EXIT
  cp "$prefix/$manifest" "$list"
  rm -f "$prefix/$manifest"
  remove_installed "$list" || true
  say "removed from $prefix; spools, histories and configurations are untouched"
  exit 0
fi

# ---- the program: built here, or published before ----
version_of() { sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$source_folder/Directory.Build.props"; }

if [ -z "$published" ]; then
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
  command -v dotnet >/dev/null || die "the .NET 10 SDK is missing. Install the package dotnet-sdk-10.0 of your distribution, or see https://learn.microsoft.com/dotnet/core/install/linux, and run this again."
  (cd "$source_folder" && dotnet --list-sdks) | grep -q '^10\.' \
    || die "the .NET SDK here has no version 10 ($(dotnet --list-sdks | cut -d ' ' -f 1 | tr '\n' ' ')). Install dotnet-sdk-10.0, see https://learn.microsoft.com/dotnet/core/install/linux."
  # A folder of its own, one for each account: builds and tests that run in the checkout are left alone.
  build=$source_folder/artifacts/install-$(id -u)
  published=$build/program
  mkdir -p "$build" 2>/dev/null && [ -w "$build" ] \
    || die "$build, where it is built, can't be written by $(id -un); copy the checkout to a folder of your own, or install what another account built with --from DIR"
  exec 9>"$build/lock"
  flock 9
  say "building (the first time takes a minute or two)"
  rm -rf "$published"
  (cd "$source_folder" && dotnet publish Cli/ZfRepl.Cli.csproj -c Release --artifacts-path "$build" -o "$published" \
    -p:RestoreLockedMode=true -p:DebugType=none -p:GenerateDocumentationFile=false -p:EnforceCodeStyleInBuild=false -p:RunAnalyzers=false \
    --disable-build-servers --verbosity quiet) >"$build/log" 2>&1 9>&- \
    || { tail -n 30 "$build/log" >&2; die "the build failed; the whole output is in $build/log"; }
fi
[ -f "$published/zfrepl.dll" ] && [ -f "$published/zfrepl" ] || die "there is no published program in $published"

# ---- install: everything new beside the old, then one rename makes it the current one ----
mkdir -p "$prefix" || die "$prefix can't be made; choose another folder with --prefix DIR"
prefix=$(cd "$prefix" && pwd)
[ -w "$prefix" ] || die "$prefix can't be written by $(id -un); choose another folder with --prefix DIR, or run this as root"

old=
if [ -f "$prefix/$manifest" ]; then
  old=$(mktemp)
  cp "$prefix/$manifest" "$old"
fi
new=$(mktemp)
rest=$(mktemp)
trap 'rm -f "$new" "$rest" ${old:+"$old"}' EXIT
made_folders=()
[ -z "$old" ] || mapfile -t made_folders < <(awk '$1 == "folder" { print $3 }' "$old")

make_folder() { # PATH below the prefix, with those above it; only what did not exist is ours
  local path=$1
  [ "$path" = . ] && return
  make_folder "$(dirname "$path")"
  if [ ! -d "$prefix/$path" ]; then
    mkdir "$prefix/$path"
    made_folders+=("$path")
  fi
}

put() { # SOURCE PATH MODE: replaces a file in one step; one that somebody changed is kept beside it
  local target=$prefix/$2 before
  make_folder "$(dirname "$2")"
  if [ -f "$target" ] && ! cmp -s "$1" "$target"; then
    before=$([ -z "$old" ] || awk -v path="$2" '$1 == "file" && $3 == path { print $2 }' "$old")
    if [ "$(hash_of "$target")" != "$before" ]; then
      mv "$target" "$target.saved"
      say "kept, because it was changed: $target.saved"
    fi
  fi
  install -m "$3" "$1" "$target.new"
  mv -f "$target.new" "$target"
  printf 'file %s %s\n' "$(hash_of "$target")" "$2" >>"$new"
}

release=$(version_of)-$(cat "$published"/*.dll "$published/zfrepl" | sha256sum | cut -c 1-12)
current=
[ -L "$prefix/$library/current" ] && current=$(readlink "$prefix/$library/current")
while IFS= read -r -d '' file; do
  path=${file#"$published"/}
  case $path in *.pdb | *.xml) continue ;; esac
  mode=644
  [ -x "$file" ] && mode=755
  put "$file" "$library/$release/$path" "$mode"
done < <(find "$published" -type f -print0 | sort -z)

runtime=$({ command -v dotnet >/dev/null && dotnet --list-runtimes; } | sed -n 's:^Microsoft\.AspNetCore\.App 10\..*\[\(.*\)/shared/Microsoft\.AspNetCore\.App\]$:\1:p' | tail -n 1)
[ -n "$runtime" ] || say "the ASP.NET Core runtime 10 was not found; set DOTNET_ROOT to its folder when you run zfrepl"
wrapper=$(mktemp)
cat >"$wrapper" <<TEXT
#!/bin/sh
# Starts zfrepl with the runtime that was found when it was installed, unless DOTNET_ROOT names another one.
: "\${DOTNET_ROOT:=$runtime}"
[ -z "\$DOTNET_ROOT" ] || export DOTNET_ROOT
exec "\$(dirname "\$(readlink -f "\$0")")/../$library/current/zfrepl" "\$@"
TEXT

put "$source_folder/svc-tpl-zfrepl.yml" share/zfrepl/svc-tpl-zfrepl.yml 644
for template in "$source_folder"/templates/*; do
  put "$template" "share/zfrepl/templates/$(basename "$template")" 644
done

ln -sfn "$release" "$prefix/$library/current.new"
mv -fT "$prefix/$library/current.new" "$prefix/$library/current"
printf 'link - %s\n' "$library/current" >>"$new"
put "$wrapper" bin/zfrepl 755
rm -f "$wrapper"

# What services may still run from stays, which is the version before this one. What is older, or is not part of zfrepl any more, goes.
if [ -n "$old" ]; then
  awk 'NR == FNR { seen[$3] = 1; next } $1 != "folder" && !($3 in seen)' "$new" "$old" >"$rest"
  awk -v kept="$library/${current:-none}/" -v all="$library/" -v again="$([ "$current" = "$release" ] && echo yes || echo no)" \
    'index($3, kept) == 1 || (again == "yes" && index($3, all) == 1)' "$rest" >>"$new"
  awk 'NR == FNR { seen[$3] = 1; next } !($3 in seen)' "$new" "$rest" >"$old.obsolete"
  awk '$1 == "folder"' "$old" >>"$old.obsolete"
  remove_installed "$old.obsolete" || true
  rm -f "$old.obsolete"
fi

# Deepest folders first, so that a removal finds them empty.
printf '%s\n' ${made_folders[@]+"${made_folders[@]}"} | sort -ru | while read -r path; do
  [ -z "$path" ] || [ ! -d "$prefix/$path" ] || printf 'folder - %s\n' "$path"
done >>"$new"
install -m 644 "$new" "$prefix/$manifest.new"
mv -f "$prefix/$manifest.new" "$prefix/$manifest"

say "installed $("$prefix/bin/zfrepl" version | head -n 1) in $prefix"
case :$PATH: in
  *":$prefix/bin:"*) say "next: zfrepl --help, templates in $prefix/share/zfrepl" ;;
  *) say "next: export PATH=\"$prefix/bin:\$PATH\"; zfrepl --help, templates in $prefix/share/zfrepl" ;;
esac
if $run_demo; then
  exec "$prefix/bin/zfrepl" demo
fi
