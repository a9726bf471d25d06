#!/bin/sh
# Install the programs that some tests compare with: a PACS (Orthanc), DICOM validator and converter, a browser.
# Debian and Ubuntu, as root. Without them those tests are skipped and say so.
set -u
programs="Orthanc dciodvfy dcm2niix chromium"
missing=
for program in $programs; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed:$missing (needs root and apt-get); the tests that use them are skipped."
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
packages="orthanc orthanc-dicomweb dicom3tools dcm2niix chromium"
log=$(mktemp)
{ apt-get install -y --no-install-recommends $packages || { apt-get update && apt-get install -y --no-install-recommends $packages; }; } \
    >"$log" 2>&1 || { tail -5 "$log"; echo "Could not install:$missing; the tests that use them are skipped."; }
rm -f "$log"
