set -g __c4py_verbs id cat paths explain diff merge intersect dupes verify validate patch workspace log split store pool ingest version completion man
set -g __c4py_actions 'explain id' 'explain diff' 'explain patch' 'intersect id' 'intersect path' 'workspace checkout' 'workspace snapshot' 'workspace reset' 'workspace diff' 'workspace status' 'store init' 'store info' 'store ls' 'store verify' 'store gc'
set -g __c4py_valued 'id -m' 'id --mode' 'id --exclude' 'id -c' 'id --continue' 'id --exclude-file' 'paths --from' 'explain patch -n' 'explain patch --number' 'explain patch --source' 'diff -m' 'diff --mode' 'diff --exclude' 'diff --workers' 'merge --base' 'merge -m' 'merge --mode' 'merge --exclude' 'merge --workers' 'intersect path -m' 'intersect path --mode' 'dupes --min-size' 'dupes --exclude' 'verify --report' 'verify --sample' 'verify --workers' 'validate --limit' 'patch -n' 'patch --number' 'patch -m' 'patch --mode' 'patch --source' 'workspace checkout -C' 'workspace checkout --directory' 'workspace checkout --store' 'workspace checkout --source' 'workspace snapshot -C' 'workspace snapshot --directory' 'workspace snapshot --store' 'workspace reset -C' 'workspace reset --directory' 'workspace reset --store' 'workspace diff -C' 'workspace diff --directory' 'workspace status -C' 'workspace status --directory' 'store info --store' 'store ls --store' 'store verify --store' 'store verify --sample' 'store verify --seed' 'store verify --time-limit' 'store verify --resume' 'store gc --store' 'store gc --grace' 'pool --store' 'ingest --store' 'ingest -C' 'ingest --directory'

# Completion of c4py for fish: c4py completion fish
# It has what the command takes in it, and starts nothing.

# Say whether the command that is typed is this one and, where a number follows it, whether so many operands stand
# before the cursor; with --from, so many or more.
function __c4py_is
    argparse from -- $argv
    set -l words (commandline -opc)[2..]
    set -l command
    if test "$words[1]" = help
        set -e words[1]
    end
    if contains -- "$words[1]" $__c4py_verbs
        set command $words[1]
        set -e words[1]
        if contains -- "$command $words[1]" $__c4py_actions
            set command "$command $words[1]"
            set -e words[1]
        end
    else if set -q words[1]
        # What was left out is id.
        set command id
    end
    test "$command" = "$argv[1]"; or return
    set -q argv[2]; or return 0
    set -l count 0
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                set count (math $count + (count $words))
                break
            case '-*'
                if contains -- "$command $words[1]" $__c4py_valued
                    set -e words[1]
                end
            case '*'
                set count (math $count + 1)
        end
        set -e words[1]
    end
    if set -q _flag_from
        test $count -ge $argv[2]
    else
        test $count -eq $argv[2]
    end
end

# Manifests, and the directories on the way to them.
function __c4py_manifests
    set -l typed (commandline -ct | string replace -r '^--[^=]*=' '')
    complete -C "'' $typed" | string match -r '^[^\t]*(?:/|\.c4m)(?=\t|$)'
end

complete -c c4py -f

complete -c c4py -n '__c4py_is ""' -a id -d 'print the c4m entries, or the bare IDs, of files and directories'
complete -c c4py -n '__c4py_is ""' -a cat -d 'print the content of an ID, or a manifest'
complete -c c4py -n '__c4py_is ""' -a paths -d 'print the paths of a manifest, or make a manifest of paths'
complete -c c4py -n '__c4py_is ""' -a explain -d 'say in plain words what id, diff or patch would do'
complete -c c4py -n '__c4py_is ""' -a diff -d 'print what changed between two trees, as a patch'
complete -c c4py -n '__c4py_is ""' -a merge -d 'combine trees into one manifest'
complete -c c4py -n '__c4py_is ""' -a intersect -d 'print what two trees have in common'
complete -c c4py -n '__c4py_is ""' -a dupes -d 'print the files that have the same content'
complete -c c4py -n '__c4py_is ""' -a verify -d 'compare a directory with a manifest'
complete -c c4py -n '__c4py_is ""' -a validate -d 'check the text of manifests'
complete -c c4py -n '__c4py_is ""' -a patch -d 'bring a directory or a manifest to a state'
complete -c c4py -n '__c4py_is ""' -a workspace -d 'check manifests out into a directory, and tell what changed'
complete -c c4py -n '__c4py_is ""' -a log -d 'list the sections of a chain of patches'
complete -c c4py -n '__c4py_is ""' -a split -d 'split a chain of patches in two'
complete -c c4py -n '__c4py_is ""' -a store -d 'make, list, check and clean the content store'
complete -c c4py -n '__c4py_is ""' -a pool -d 'bundle a manifest with all content that it needs'
complete -c c4py -n '__c4py_is ""' -a ingest -d 'take a bundle in: its content and its manifests'
complete -c c4py -n '__c4py_is ""' -a version -d 'print the version'
complete -c c4py -n '__c4py_is ""' -a completion -d 'print what makes a shell complete arguments'
complete -c c4py -n '__c4py_is ""' -a man -d 'print the manual page'
complete -c c4py -n '__c4py_is ""' -a help -d 'tell what a verb does'
complete -c c4py -n '__c4py_is ""' -l version -d 'print the version'
complete -c c4py -n '__c4py_is ""' -F
complete -c c4py -n '__c4py_is ""' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is ""' -s i -l id-only -d 'print bare IDs, one a line'
complete -c c4py -n '__c4py_is ""' -s e -l ergonomic -d 'print the form for people; not to be kept'
complete -c c4py -n '__c4py_is ""' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is ""' -s q -l quiet -d 'print nothing, and show no progress'
complete -c c4py -n '__c4py_is ""' -s s -l store -d 'store what is identified'
complete -c c4py -n '__c4py_is ""' -s x -l no-store -d 'store nothing, whatever is configured'
complete -c c4py -n '__c4py_is ""' -s S -l sequence -d 'fold numbered files into sequences'
complete -c c4py -n '__c4py_is ""' -s m -l mode -xa 's m f' -d 's: names only; m: modes, times and sizes as well; f: IDs as well (the default)'
complete -c c4py -n '__c4py_is ""' -l exclude -x -d 'leave out names or paths that match'
complete -c c4py -n '__c4py_is ""' -s c -l continue -xa '(__c4py_manifests)' -d 'of a directory take only what is listed in this manifest'
complete -c c4py -n '__c4py_is ""' -l cache -d 'do not read files that have not changed since a scan with this cache; without a directory the user\'s own'
complete -c c4py -n '__c4py_is ""' -l exclude-file -rF -d 'a file of globs to leave out'
complete -c c4py -n '__c4py_is "explain"' -a id -d 'tell what a directory or a manifest contains'
complete -c c4py -n '__c4py_is "explain"' -a diff -d 'tell what changed between two trees'
complete -c c4py -n '__c4py_is "explain"' -a patch -d 'tell what patch would do to a directory'
complete -c c4py -n '__c4py_is "intersect"' -a id -d 'print the files of B whose content is in A as well'
complete -c c4py -n '__c4py_is "intersect"' -a path -d 'print the files of B whose path is in A as well'
complete -c c4py -n '__c4py_is "workspace"' -a checkout -d 'bring the directory to the state of a manifest'
complete -c c4py -n '__c4py_is "workspace"' -a snapshot -d 'print a manifest of the directory, and store its content'
complete -c c4py -n '__c4py_is "workspace"' -a reset -d 'bring the directory back to what was checked out'
complete -c c4py -n '__c4py_is "workspace"' -a diff -d 'tell what changed since the checkout'
complete -c c4py -n '__c4py_is "workspace"' -a status -d 'tell what was checked out'
complete -c c4py -n '__c4py_is "store"' -a init -d 'name a store in ~/.c4/config, and make its directory'
complete -c c4py -n '__c4py_is "store"' -a info -d 'tell which store is configured, and what it holds'
complete -c c4py -n '__c4py_is "store"' -a ls -d 'list the IDs of a store'
complete -c c4py -n '__c4py_is "store"' -a verify -d 'hash the objects of a store again and report what is wrong'
complete -c c4py -n '__c4py_is "store"' -a gc -d 'remove what no root refers to'

# id
complete -c c4py -n '__c4py_is "id"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "id"' -s i -l id-only -d 'print bare IDs, one a line'
complete -c c4py -n '__c4py_is "id"' -s e -l ergonomic -d 'print the form for people; not to be kept'
complete -c c4py -n '__c4py_is "id"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "id"' -s q -l quiet -d 'print nothing, and show no progress'
complete -c c4py -n '__c4py_is "id"' -s s -l store -d 'store what is identified'
complete -c c4py -n '__c4py_is "id"' -s x -l no-store -d 'store nothing, whatever is configured'
complete -c c4py -n '__c4py_is "id"' -s S -l sequence -d 'fold numbered files into sequences'
complete -c c4py -n '__c4py_is "id"' -s m -l mode -xa 's m f' -d 's: names only; m: modes, times and sizes as well; f: IDs as well (the default)'
complete -c c4py -n '__c4py_is "id"' -l exclude -x -d 'leave out names or paths that match'
complete -c c4py -n '__c4py_is "id"' -s c -l continue -xa '(__c4py_manifests)' -d 'of a directory take only what is listed in this manifest'
complete -c c4py -n '__c4py_is "id"' -l cache -d 'do not read files that have not changed since a scan with this cache; without a directory the user\'s own'
complete -c c4py -n '__c4py_is "id"' -l exclude-file -rF -d 'a file of globs to leave out'
complete -c c4py -n '__c4py_is --from "id" 0' -F

# cat
complete -c c4py -n '__c4py_is "cat"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "cat"' -s e -l ergonomic -d 'print a manifest in the form for people'
complete -c c4py -n '__c4py_is "cat"' -s r -l recursive -d 'print a manifest with what the store has of its directories'
complete -c c4py -n '__c4py_is --from "cat" 0' -F

# paths
complete -c c4py -n '__c4py_is "paths"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "paths"' -s 0 -l null -d 'paths end in NUL, not in a line end'
complete -c c4py -n '__c4py_is "paths"' -l from -xa 'manifest paths' -d 'what is given; by default its first line tells: that of a manifest begins with a mode'
complete -c c4py -n '__c4py_is "paths"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is --from "paths" 0' -F

# explain id
complete -c c4py -n '__c4py_is "explain id"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "explain id"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "explain id"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "explain id" 0' -F

# explain diff
complete -c c4py -n '__c4py_is "explain diff"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "explain diff"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "explain diff"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "explain diff" 0' -a '(__c4py_manifests)'

# explain patch
complete -c c4py -n '__c4py_is "explain patch"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "explain patch"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "explain patch"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is "explain patch"' -s r -l reverse -d 'undo the change that patch -s has printed'
complete -c c4py -n '__c4py_is "explain patch"' -s n -l number -x -d 'the state after section N'
complete -c c4py -n '__c4py_is "explain patch"' -l source -xa '(__fish_complete_directories)' -d 'take content from there too'
complete -c c4py -n '__c4py_is --from "explain patch" 0' -a '(__c4py_manifests)'

# diff
complete -c c4py -n '__c4py_is "diff"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "diff"' -s r -l reverse -d 'swap the trees; or preview how a change is undone'
complete -c c4py -n '__c4py_is "diff"' -s s -l store -d 'store the content of directories'
complete -c c4py -n '__c4py_is "diff"' -s q -l quiet -d 'print nothing but errors'
complete -c c4py -n '__c4py_is "diff"' -s m -l mode -xa 's m f' -d 's: names only, m: metadata, f: IDs as well (the default)'
complete -c c4py -n '__c4py_is "diff"' -l quick -d 'take IDs from the manifest where size and time of a file are the same'
complete -c c4py -n '__c4py_is "diff"' -l exclude -x -d 'leave out names or paths that match'
complete -c c4py -n '__c4py_is "diff"' -l workers -x -d 'threads; by default one a processor'
complete -c c4py -n '__c4py_is "diff"' -s e -l ergonomic -d 'print the form for people; not to be kept'
complete -c c4py -n '__c4py_is "diff"' -l summary -d 'print paths, and how many of each kind'
complete -c c4py -n '__c4py_is "diff"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is --from "diff" 0' -a '(__c4py_manifests)'

# merge
complete -c c4py -n '__c4py_is "merge"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "merge"' -l base -xa '(__c4py_manifests)' -d 'what all of them were made from: a three-way merge'
complete -c c4py -n '__c4py_is "merge"' -s m -l mode -xa 's m f' -d 's: names only, m: metadata, f: IDs as well (the default)'
complete -c c4py -n '__c4py_is "merge"' -l exclude -x -d 'leave out names or paths that match'
complete -c c4py -n '__c4py_is "merge"' -l workers -x -d 'threads; by default one a processor'
complete -c c4py -n '__c4py_is "merge"' -l keep-both -d 'print the result of conflicts as well'
complete -c c4py -n '__c4py_is "merge"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is "merge"' -s e -l ergonomic -d 'print the form for people; not to be kept'
complete -c c4py -n '__c4py_is "merge"' -l json -d 'print JSON: the manifest and the conflicts'
complete -c c4py -n '__c4py_is --from "merge" 0' -a '(__c4py_manifests)'

# intersect id
complete -c c4py -n '__c4py_is "intersect id"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "intersect id"' -s e -l ergonomic -d 'print the form for people; not to be kept'
complete -c c4py -n '__c4py_is "intersect id"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "intersect id"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "intersect id" 0' -a '(__c4py_manifests)'

# intersect path
complete -c c4py -n '__c4py_is "intersect path"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "intersect path"' -s e -l ergonomic -d 'print the form for people; not to be kept'
complete -c c4py -n '__c4py_is "intersect path"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "intersect path"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is "intersect path"' -s m -l mode -xa 's m f' -d 'how a directory is scanned, as in id'
complete -c c4py -n '__c4py_is --from "intersect path" 0' -a '(__c4py_manifests)'

# dupes
complete -c c4py -n '__c4py_is "dupes"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "dupes"' -l directories -d 'find whole directories as well'
complete -c c4py -n '__c4py_is "dupes"' -l min-size -x -d 'leave out what is smaller: 4096, 10K, 1.5GiB; units are powers of 1024'
complete -c c4py -n '__c4py_is "dupes"' -l empty -d 'empty files as well'
complete -c c4py -n '__c4py_is "dupes"' -l exclude -x -d 'leave out names or paths that match'
complete -c c4py -n '__c4py_is "dupes"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "dupes"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "dupes" 0' -a '(__c4py_manifests)'

# verify
complete -c c4py -n '__c4py_is "verify"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "verify"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "verify"' -l report -rF -d 'write a report as well, a .json, .html, .csv or .xml (JUnit) file; as often as wanted'
complete -c c4py -n '__c4py_is "verify"' -l quick -d 'read no file; compare presence, type, size and time'
complete -c c4py -n '__c4py_is "verify"' -l sample -x -d 'read a share of the files, such as 0.1 or 10%; always the same'
complete -c c4py -n '__c4py_is "verify"' -l metadata -d 'compare modes, times and sizes as well'
complete -c c4py -n '__c4py_is "verify"' -l workers -x -d 'threads; by default one a processor'
complete -c c4py -n '__c4py_is "verify"' -l drop-cache -d 'ask the system to read from the disk'
complete -c c4py -n '__c4py_is "verify"' -l accept-canonical -d 'accept manifests that are right in canonical form'
complete -c c4py -n '__c4py_is "verify"' -s q -l quiet -d 'print nothing, and show no progress; the exit code tells'
complete -c c4py -n '__c4py_is "verify" 0' -a '(__c4py_manifests)'
complete -c c4py -n '__c4py_is "verify" 1' -a '(__fish_complete_directories)'

# validate
complete -c c4py -n '__c4py_is "validate"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "validate"' -l strict -d 'end with 1 for warnings as well'
complete -c c4py -n '__c4py_is "validate"' -s q -l quiet -d 'print nothing; the exit code tells'
complete -c c4py -n '__c4py_is "validate"' -l limit -x -d 'issues of each code that are listed (100)'
complete -c c4py -n '__c4py_is "validate"' -l codes -d 'list the codes of issues and what they mean'
complete -c c4py -n '__c4py_is "validate"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is --from "validate" 0' -a '(__c4py_manifests)'

# patch
complete -c c4py -n '__c4py_is "patch"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "patch"' -s s -l store -d 'store what is removed and the state before'
complete -c c4py -n '__c4py_is "patch"' -s r -l reverse -d 'undo the change that -s has printed'
complete -c c4py -n '__c4py_is "patch"' -s e -l ergonomic -d 'print or write the form for people; not to be kept'
complete -c c4py -n '__c4py_is "patch"' -s n -l number -x -d 'the state after section N'
complete -c c4py -n '__c4py_is "patch"' -s m -l mode -xa 's m f' -d 'how to scan a directory, as in id'
complete -c c4py -n '__c4py_is "patch"' -l source -xa '(__fish_complete_directories)' -d 'take content from there too'
complete -c c4py -n '__c4py_is "patch"' -l dry-run -d 'print what would be done, and touch nothing'
complete -c c4py -n '__c4py_is "patch"' -l no-store -d 'store nothing of what is scanned'
complete -c c4py -n '__c4py_is "patch"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "patch"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "patch" 0' -a '(__c4py_manifests)'

# workspace checkout
complete -c c4py -n '__c4py_is "workspace checkout"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "workspace checkout"' -s C -l directory -xa '(__fish_complete_directories)' -d 'the workspace (here: .)'
complete -c c4py -n '__c4py_is "workspace checkout"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "workspace checkout"' -s n -l dry-run -d 'print what would be done, and do nothing'
complete -c c4py -n '__c4py_is "workspace checkout"' -l source -xa '(__fish_complete_directories)' -d 'take content from there too'
complete -c c4py -n '__c4py_is "workspace checkout"' -l keep-removed -d 'put what is removed into the store first'
complete -c c4py -n '__c4py_is "workspace checkout"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "workspace checkout"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is "workspace checkout"' -s f -l force -d 'also in a directory with files that is no workspace yet'
complete -c c4py -n '__c4py_is --from "workspace checkout" 0' -a '(__c4py_manifests)'

# workspace snapshot
complete -c c4py -n '__c4py_is "workspace snapshot"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "workspace snapshot"' -s C -l directory -xa '(__fish_complete_directories)' -d 'the workspace (here: .)'
complete -c c4py -n '__c4py_is "workspace snapshot"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "workspace snapshot"' -l no-store -d 'store no content'
complete -c c4py -n '__c4py_is "workspace snapshot"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "workspace snapshot"' -s q -l quiet -d 'show no progress'

# workspace reset
complete -c c4py -n '__c4py_is "workspace reset"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "workspace reset"' -s C -l directory -xa '(__fish_complete_directories)' -d 'the workspace (here: .)'
complete -c c4py -n '__c4py_is "workspace reset"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "workspace reset"' -l keep-removed -d 'put what is removed into the store first'
complete -c c4py -n '__c4py_is "workspace reset"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "workspace reset"' -s q -l quiet -d 'show no progress'

# workspace diff
complete -c c4py -n '__c4py_is "workspace diff"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "workspace diff"' -s C -l directory -xa '(__fish_complete_directories)' -d 'the workspace (here: .)'
complete -c c4py -n '__c4py_is "workspace diff"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "workspace diff"' -s q -l quiet -d 'show no progress'

# workspace status
complete -c c4py -n '__c4py_is "workspace status"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "workspace status"' -s C -l directory -xa '(__fish_complete_directories)' -d 'the workspace (here: .)'
complete -c c4py -n '__c4py_is "workspace status"' -l json -d 'print JSON'

# log
complete -c c4py -n '__c4py_is "log"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "log"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is --from "log" 0' -a '(__c4py_manifests)'

# split
complete -c c4py -n '__c4py_is "split"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "split"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is --from "split" 0' -a '(__c4py_manifests)'

# store init
complete -c c4py -n '__c4py_is "store init"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "store init"' -l replace -d 'take the place of a store that is named already'
complete -c c4py -n '__c4py_is "store init"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is --from "store init" 0' -a '(__fish_complete_directories)'

# store info
complete -c c4py -n '__c4py_is "store info"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "store info"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "store info"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "store info"' -s q -l quiet -d 'show no progress'

# store ls
complete -c c4py -n '__c4py_is "store ls"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "store ls"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "store ls"' -s l -l long -d 'sizes in bytes, IDs and paths'
complete -c c4py -n '__c4py_is "store ls"' -l json -d 'print JSON'
complete -c c4py -n '__c4py_is "store ls"' -s q -l quiet -d 'show no progress'

# store verify
complete -c c4py -n '__c4py_is "store verify"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "store verify"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "store verify"' -l sample -x -d 'check a part (0.05, 5%), or so many objects'
complete -c c4py -n '__c4py_is "store verify"' -l seed -x -d 'another number, another sample'
complete -c c4py -n '__c4py_is "store verify"' -l time-limit -x -d 'begin no object after it: 90s, 15m, 8h'
complete -c c4py -n '__c4py_is "store verify"' -l resume -x -d 'where a verification that was not complete is to go on'
complete -c c4py -n '__c4py_is "store verify"' -l quarantine -d 'move corrupt objects into quarantine/'
complete -c c4py -n '__c4py_is "store verify"' -l json -d 'print JSON lines, the result last'
complete -c c4py -n '__c4py_is "store verify"' -s q -l quiet -d 'show no progress'

# store gc
complete -c c4py -n '__c4py_is "store gc"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "store gc"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "store gc"' -l yes -l force -d 'remove; without it nothing changes'
complete -c c4py -n '__c4py_is "store gc"' -l grace -x -d 'keep what is younger: 15m, 8h, 2d, 1w (1d)'
complete -c c4py -n '__c4py_is "store gc"' -l json -d 'print JSON lines, the result last'
complete -c c4py -n '__c4py_is "store gc"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "store gc" 0' -a '(__c4py_manifests)'

# pool
complete -c c4py -n '__c4py_is "pool"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "pool"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "pool"' -l json -d 'print JSON lines, the result last'
complete -c c4py -n '__c4py_is "pool"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is "pool" 0' -a '(__c4py_manifests)'
complete -c c4py -n '__c4py_is "pool" 1' -F

# ingest
complete -c c4py -n '__c4py_is "ingest"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "ingest"' -l store -xa '(__fish_complete_directories)' -d 'the store, instead of the one that is configured'
complete -c c4py -n '__c4py_is "ingest"' -s C -l directory -xa '(__fish_complete_directories)' -d 'where manifests go (here: .)'
complete -c c4py -n '__c4py_is "ingest"' -l json -d 'print JSON lines, the result last'
complete -c c4py -n '__c4py_is "ingest"' -s q -l quiet -d 'show no progress'
complete -c c4py -n '__c4py_is --from "ingest" 0' -F

# version
complete -c c4py -n '__c4py_is "version"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "version"' -l json -d 'print JSON'

# completion
complete -c c4py -n '__c4py_is "completion"' -s h -l help -d 'print this'
complete -c c4py -n '__c4py_is "completion" 0' -a 'bash zsh fish'

# man
complete -c c4py -n '__c4py_is "man"' -s h -l help -d 'print this'
