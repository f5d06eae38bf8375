"""What grading leaves behind for people and for other programs: pages, tables, files for gradebooks."""
