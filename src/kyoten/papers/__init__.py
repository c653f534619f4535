"""Official papers: answers and letters into PDF, Word and Excel, and filled papers back into answers.

Pure: no Django, no network, no clock. Import from the modules, this package itself loads nothing.
"""
