"""What every page writes the same way: money, numbers, moments, cards, badges, empty states.

Nothing here asks for data; a part is given values and gives back text, or writes it to the page.
"""
