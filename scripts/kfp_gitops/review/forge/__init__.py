"""What a forge shows of a change is what is read of it: nothing is hidden, encoded, or somewhere else.

attributes ─ what .gitattributes may say
outer ─ what folders above may say, where ours is a folder of a larger repository
characters ─ what a diff does not show, or shows in another order
hidden ─ both of them over all files, and files that are not where they seem to be: links, submodules
"""

from kfp_gitops.review.forge.hidden import problems

__all__ = ["problems"]
