"""Pictures of what a data set holds, and the page that shows them."""
