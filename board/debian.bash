# Sourced by board/tree and board/program: Debian's packages, apart from what apt knows of this machine.

# The mirror that apt uses here; it knows it once it has asked it. Fails where there is none.
debian_mirror() {
    local mirror
    mirror=$(_debian_mirror)
    [ -n "$mirror" ] || { apt-get update -qq >/dev/null 2>&1 && mirror=$(_debian_mirror); } || true
    [ -n "$mirror" ] && echo "$mirror"
}
_debian_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 2>/dev/null | grep '/debian/$' | head -1 || true
}

# From here on apt asks the mirror about one suite, and keeps what it learns in a folder; `unset APT_CONFIG` ends that.
apt_apart() { # folder, mirror, suite, processors
    local folder=$1 mirror=$2 suite=$3
    mkdir -p "$folder"/{lists,cache/archives}/partial
    : >"$folder/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main non-free-firmware" >"$folder/sources.list"
    # A mirror's Release can be older than it says it may be.
    cat >"$folder/apt.conf" <<CONFIGURATION
Dir::State::Lists "$folder/lists"; Dir::State::status "$folder/status"; Dir::Cache "$folder/cache";
Dir::Etc::SourceList "$folder/sources.list"; Dir::Etc::SourceParts "/-";
APT::Architecture "$4"; APT::Architectures {$(printf '"%s"; ' "${@:4}")};
Acquire::Languages "none"; Acquire::Check-Valid-Until "false"; APT::Sandbox::User "root";
CONFIGURATION
    export APT_CONFIG=$folder/apt.conf
    apt-get update -qq
}
