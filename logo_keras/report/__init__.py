"""What people look at: charts, pages of HTML, how far long work is."""
