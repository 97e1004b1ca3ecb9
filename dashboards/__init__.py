"""The pages people look at: Streamlit over published snapshots, served on the loopback address.

`app.py` is the frame, `app_pages/` are layout and words, `queries/` ask the snapshot and the rooms,
`charts/` are pictures as option documents, `parts/` put numbers, money and moments into words.
No page opens the warehouse file, and none keeps state of its own.
"""
