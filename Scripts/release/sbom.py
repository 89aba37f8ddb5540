#!/usr/bin/env python3
"""The bill of materials of a release, as SPDX 2.3 in JSON: what is in the programs, and the checksum of every file.

  sbom.py FOLDER VERSION DATE [CURL_VERSIONS] > clip.spdx.json

FOLDER is what will be packed. CURL_VERSIONS is the file that curl.sh leaves. The same input gives the same bytes.
"""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path


def package(identifier, name, version, licence, origin, **more):
    return {"SPDXID": f"SPDXRef-{identifier}", "name": name, "versionInfo": version, "licenseConcluded": licence, "licenseDeclared": licence,
            "copyrightText": "NOASSERTION", "downloadLocation": origin, "filesAnalyzed": False, **more}


def main():
    folder, version, date = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    swift = re.search(r"Swift version (\S+)", subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout)[1]
    packages = [
        package("clip", "clip", version, "MIT", "NOASSERTION"),
        package("swift", "Swift runtime, Foundation and dispatch", swift, "Apache-2.0 WITH Swift-exception", "https://github.com/swiftlang/swift"),
        package("model", "clip-small, the embedded model", version, "Apache-2.0 AND MIT", "NOASSERTION"),
        package("merges", "merges of CLIP's tokenizer", "2021", "MIT", "https://github.com/openai/CLIP"),
        package("unicode", "Unicode Character Database", "tables", "Unicode-3.0", "https://www.unicode.org/Public/"),
        package("ftfy", "ftfy's tables of characters", "6.3.1", "Apache-2.0", "https://github.com/rspeer/python-ftfy"),
    ]
    licences = {"curl": "curl", "openssl": "Apache-2.0", "zlib": "Zlib", "zstd": "BSD-3-Clause"}
    origins = {"curl": "https://curl.se", "openssl": "https://openssl.org", "zlib": "https://zlib.net", "zstd": "https://facebook.github.io/zstd/"}
    if len(sys.argv) > 4:
        for line in Path(sys.argv[4]).read_text().splitlines():
            name, number = line.split()
            packages.append(package(name, name, number, licences[name], origins[name]))
    files = []
    for path in sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()):
        data = path.read_bytes()
        files.append({
            "SPDXID": f"SPDXRef-File-{len(files)}", "fileName": f"./{path.relative_to(folder)}",
            "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(data).hexdigest()}, {"algorithm": "SHA1", "checksumValue": hashlib.sha1(data).hexdigest()}],
            "licenseConcluded": "NOASSERTION", "licenseInfoInFiles": ["NOASSERTION"], "copyrightText": "NOASSERTION"})
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-clip"}]
    relations += [{"spdxElementId": "SPDXRef-clip", "relationshipType": "CONTAINS", "relatedSpdxElement": other["SPDXID"]} for other in packages[1:] + files]
    digest = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    json.dump({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"clip-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/clip-{version}-{digest[:32]}",
        "creationInfo": {"created": f"{date}T00:00:00Z", "creators": ["Tool: Scripts/release/sbom.py"]},
        "packages": packages, "files": files, "relationships": relations}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
