#!/bin/sh
# Makes the image that `rump demo` reads, clients/rumpclients/data/demo.ext4.xz, with the real mke2fs (e2fsprogs 1.47 or
# newer). The same versions of the tools make the same bytes: identifiers, hash seed and all times are fixed.
#   tools/image/make_demo_image.sh [TARGET]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$(cd "$here/../.." && pwd)/clients/rumpclients/data/demo.ext4.xz}
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

when=1750000000
export E2FSPROGS_FAKE_TIME=$when E2FSCK_TIME=$when SOURCE_DATE_EPOCH=$when MKE2FS_SKIP_PROGRESS=1 TZ=UTC
tree=$work/tree image=$work/demo.ext4
mkdir "$tree"
python3 "$here/demo_tree.py" "$tree"

truncate -s 2M "$image"
mke2fs -q -t ext4 -O 64bit,metadata_csum,inline_data,extent,dir_index,flex_bg -b 1024 -I 256 -N 256 -m 1 -L demo \
    -U 72756d70-6465-4d6f-8000-000000000001 \
    -E hash_seed=72756d70-6465-4d6f-8000-000000000002,root_owner=0:0,lazy_itable_init=0 -d "$tree" "$image"

# What mke2fs takes over of the folder besides contents: owners and change times. An attribute on top.
(cd "$tree" && find . -mindepth 1 | LC_ALL=C sort | sed 's/^\.//' | while IFS= read -r name; do
    for field in uid gid; do echo "set_inode_field \"$name\" $field 0"; done
    for field in atime ctime mtime crtime; do
        echo "set_inode_field \"$name\" $field @$when"
        echo "set_inode_field \"$name\" ${field}_extra 0"
    done
done) > "$work/commands"
for field in atime ctime mtime crtime; do
    echo "set_inode_field / $field @$when" >> "$work/commands"
    echo "set_inode_field / ${field}_extra 0" >> "$work/commands"
done
echo 'set_inode_field /data/text uid 1000' >> "$work/commands"
echo 'ea_set /data/text user.colour green' >> "$work/commands"
debugfs -w -f "$work/commands" "$image" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
if grep -v -e '^debugfs' "$work/log" >&2; then exit 1; fi

# Builds the index of large directories; 1 says that it has changed something, as it should.
e2fsck -fyD "$image" > "$work/log" 2>&1 || [ $? -eq 1 ] || { cat "$work/log" >&2; exit 1; }
e2fsck -fn "$image" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

mkdir -p "$(dirname "$target")"
python3 -c 'import lzma, sys; sys.stdout.buffer.write(lzma.compress(sys.stdin.buffer.read(), preset=9))' < "$image" > "$target"
echo "$(wc -c < "$image") bytes, packed $(wc -c < "$target"): $target"
